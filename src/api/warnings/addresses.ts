import { isIP } from 'node:net';
import { formatIp, parseCidr, parseIp } from '../../base/cidr.ts';

/** What is unwise about an address or a network, which is valid. Upstream: `util/validation/ip.go`. */

const canonical6 = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);

export function addressWarnings(path: string, value: string): string[] {
  if (isIP(value) !== 6) return [];
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(value)?.[1];
  if (mapped !== undefined) return [`${path}: non-standard IP address "${value}" is invalid: use "${mapped}"`];
  const wanted = canonical6(value);
  return wanted === value
    ? []
    : [`${path}: IPv6 address "${value}" should be in RFC 5952 canonical format ("${wanted}")`];
}

export function networkWarnings(path: string, value: string): string[] {
  const network = parseCidr(value);
  const [address = '', prefix = ''] = value.split('/');
  const ip = parseIp(address);
  if (!network || !ip) return [];
  const base = formatIp({ family: network.family, value: network.base });
  const wanted = `${network.family === 6 ? canonical6(base) : base}/${prefix}`;
  if (ip.value !== network.base) {
    const alone = `${network.family === 6 ? canonical6(address) : address}/${network.family === 6 ? 128 : 32}`;
    return [`${path}: CIDR value "${value}" is ambiguous in this context (should be "${wanted}" or "${alone}"?)`];
  }
  if (network.family === 6 && wanted !== value)
    return [`${path}: IPv6 CIDR value "${value}" should be in RFC 5952 canonical format ("${wanted}")`];
  return [];
}
