import { isIP } from 'node:net';
import { formatIp, parseCidr, parseIp } from '../../base/cidr.ts';
import type { Problems } from './problems.ts';

const leadingZero = /(^|\.)0\d/;
const mapped = /^::ffff:\d+\.\d+\.\d+\.\d+$/i;
const v4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** What is against an address that reads well, but not the same to everybody. */
const ambiguity = (address: string): string | undefined =>
  v4.test(address) && leadingZero.test(address)
    ? 'must not have leading 0s'
    : mapped.test(address)
      ? 'must not be an IPv4-mapped IPv6 address'
      : undefined;

export function validateIp(p: Problems, path: string, address: string): void {
  const why = ambiguity(address);
  if (why !== undefined) p.invalid(path, address, why);
  else if (isIP(address) === 0)
    p.invalid(path, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
}

export function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...more] = text.split('/');
  const family = isIP(address);
  return more.length === 0 && family !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

export function validateCidr(p: Problems, path: string, text: string): void {
  if (!isCidr(text)) {
    p.invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
    return;
  }
  const [address = ''] = text.split('/');
  if (mapped.test(address)) p.invalid(path, text, 'must not have an IPv4-mapped IPv6 address');
  else if (parseCidr(text)?.base !== parseIp(address)?.value)
    p.invalid(path, text, 'must not have bits set beyond the prefix length');
}

/** An address that traffic can be sent to. */
export function validateEndpointIp(p: Problems, path: string, address: string): void {
  if (isIP(address) === 0) {
    p.invalid(path, address, 'must be a valid IP address');
    return;
  }
  const lower = address.toLowerCase();
  if (lower === '0.0.0.0' || lower === '::') p.invalid(path, address, `may not be unspecified (${address})`);
  if (lower.startsWith('127.') || lower === '::1') {
    p.invalid(path, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (lower.startsWith('169.254.') || /^fe[89ab]/.test(lower)) {
    p.invalid(path, address, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (lower.startsWith('224.0.0.') || lower.startsWith('ff02:')) {
    p.invalid(path, address, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}

/** The address of an interface with the size of its network, in its one form. */
export function validateInterfaceAddress(p: Problems, path: string, text: string): void {
  const [address = '', prefix = ''] = text.split('/');
  if (!isCidr(text)) {
    p.invalid(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)');
    return;
  }
  const ip = parseIp(address);
  const canonical = `${ip ? formatIp(ip) : address}/${Number(prefix)}`;
  if (text !== canonical) p.invalid(path, text, `must be in canonical form ("${canonical}")`);
}
