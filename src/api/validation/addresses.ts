import { isIP } from 'node:net';
import { type Cidr, cidrContains, formatCidr, formatIp, type Ip, parseCidr, parseIp } from '../../base/cidr.ts';
import type { Problems } from './problems.ts';

/** Addresses and networks. Upstream: `apimachinery/pkg/util/validation/ip.go`, with StrictIPCIDRValidation. */

const mapped = /^::ffff:\d+\.\d+\.\d+\.\d+$/i;

/** Without the zeros before a number, which some read as octal. */
const withoutZeros = (text: string): string => text.replace(/(^|[.:/])0+(?=\d+(?:[./]|$))/g, '$1');

/** An address as old programs read it: zeros may lead. */
const looseIp = (text: string): Ip | undefined => parseIp(text.includes('.') ? withoutZeros(text) : text);

function looseCidr(text: string): (Cidr & { ip: Ip }) | undefined {
  const slash = text.indexOf('/');
  const ip = slash < 0 ? undefined : looseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!ip || !/^\d+$/.test(digits)) return undefined;
  const found = parseCidr(`${formatIp(ip)}/${Number(digits)}`);
  return found && { ...found, ip };
}

const notAnIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** An address that reads the same to everybody, or stood there before. */
export function validateIp(p: Problems, path: string, address: string, before: readonly string[] = []): void {
  if (before.includes(address)) return;
  if (!looseIp(address)) p.invalid(path, address, notAnIp);
  else if (isIP(address) === 0) p.invalid(path, address, 'must not have leading 0s');
  else if (mapped.test(address)) p.invalid(path, address, 'must not be an IPv4-mapped IPv6 address');
}

/** What is wrong with an address that has to stand in its one form. */
export function strictIpProblem(address: string): string | undefined {
  const ip = looseIp(address);
  if (!ip) return notAnIp;
  if (isIP(address) === 0) return 'must not have leading 0s';
  if (mapped.test(address)) return 'must not be an IPv4-mapped IPv6 address';
  return address === formatIp(ip) ? undefined : `must be in canonical form ("${formatIp(ip)}")`;
}

export const isCidr = (text: string): boolean => looseCidr(text) !== undefined;

/** What is wrong with a network, with its bits beyond the prefix; undefined when nothing is. */
function cidrProblem(text: string): string | undefined {
  const cidr = looseCidr(text);
  if (!cidr) return 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  if (!parseCidr(text)) return 'must not have leading 0s in IP or prefix length';
  if (mapped.test(text.split('/')[0] ?? '')) return 'must not have an IPv4-mapped IPv6 address';
  return cidr.base === cidr.ip.value ? undefined : 'must not have bits set beyond the prefix length';
}

export function validateCidr(p: Problems, path: string, text: string, before: readonly string[] = []): void {
  const why = before.includes(text) ? undefined : cidrProblem(text);
  if (why) p.invalid(path, text, why);
}

/** The same, in its one form. */
export function validateStrictCidr(p: Problems, path: string, text: string): void {
  const cidr = looseCidr(text);
  const canonical = cidr ? formatCidr(cidr) : text;
  const why = cidrProblem(text) ?? (text === canonical ? undefined : `must be in canonical form ("${canonical}")`);
  if (why) p.invalid(path, text, why);
}

export const familyOfCidr = (text: string): 4 | 6 | undefined => looseCidr(text)?.family;

/** Whether a network lies in another one and is smaller; undefined where one of them is no network. */
export function isStrictSubset(inner: string, outer: string): boolean | undefined {
  const [a, b] = [looseCidr(inner), looseCidr(outer)];
  if (!a || !b) return undefined;
  return cidrContains(b, { family: a.family, value: a.base }) && b.prefix < a.prefix;
}

/** The address of an interface with the size of its network, in its one form. */
export function validateInterfaceAddress(p: Problems, path: string, text: string): void {
  const cidr = looseCidr(text);
  if (!cidr) {
    p.invalid(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)');
    return;
  }
  const canonical = `${formatIp(cidr.ip)}/${cidr.prefix}`;
  if (text !== canonical) p.invalid(path, text, `must be in canonical form ("${canonical}")`);
}

/** An address that traffic can be sent to. */
export function validateEndpointIp(p: Problems, path: string, address: string): void {
  if (!looseIp(address)) {
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
