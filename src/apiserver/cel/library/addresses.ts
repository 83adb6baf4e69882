import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Environment } from '../environment.ts';
import type { LibraryValue } from '../values.ts';

const ip = 'net.IP';
const cidr = 'net.CIDR';

class IpValue implements LibraryValue {
  readonly celType = ip;
  readonly text: string;
  readonly family: 4 | 6;
  constructor(text: string) {
    const problem = ipProblem(text);
    if (problem) throw new Error(problem);
    this.family = isIPv4(text) ? 4 : 6;
    this.text = canonical(text);
  }
  get celSize(): number {
    return this.family === 4 ? 4 : 16;
  }
  celEquals(other: IpValue): boolean {
    return this.text === other.text;
  }
  toString(): string {
    return this.text;
  }
}

class CidrValue implements LibraryValue {
  readonly celType = cidr;
  readonly ip: IpValue;
  readonly bits: number;
  constructor(text: string) {
    const [address = '', bits = ''] = text.split('/');
    const most = isIPv4(address) ? 32 : 128;
    const refuse = (why: string): never => {
      const what = 'network address parse error during conversion from string';
      throw new Error(`${what}: ${what}: netip.ParsePrefix(${JSON.stringify(text)}): ${why}`);
    };
    if (!text.includes('/')) refuse("no '/'");
    if (!isIPv4(address) && !isIPv6(address))
      refuse(`ParseAddr(${JSON.stringify(address)}): ${addressProblem(address)}`);
    if (!/^(0|[1-9]\d{0,2})$/.test(bits)) refuse(`bad bits after slash: ${JSON.stringify(bits)}`);
    if (Number(bits) > most) refuse('prefix length out of range');
    const problem = ipProblem(address);
    if (problem) throw new Error(problem);
    this.ip = new IpValue(address);
    this.bits = Number(bits);
  }
  get celSize(): number {
    return Math.ceil(this.bits / 8);
  }
  celEquals(other: CidrValue): boolean {
    return this.ip.text === other.ip.text && this.bits === other.bits;
  }
  toString(): string {
    return `${this.ip.text}/${this.bits}`;
  }
}

/** Why a text is no address, as Go says it. */
function addressProblem(text: string): string {
  if (text.includes(':')) return 'unexpected character';
  if (!text.includes('.')) return 'unable to parse IP';
  const fields = text.split('.');
  for (const field of fields) {
    if (field === '') return 'IPv4 field must have at least one digit';
    if (!/^\d+$/.test(field)) return 'unexpected character';
    if (/^0\d/.test(field)) return 'IPv4 field has octet with leading zero';
    if (Number(field) > 255) return 'IPv4 field has value >255';
  }
  return fields.length < 4 ? 'IPv4 address too short' : 'IPv4 address too long';
}

function ipProblem(text: string): string | undefined {
  if (text.includes('%')) return `IP address ${JSON.stringify(text)} with zone value is not allowed`;
  if (/^::ffff:/i.test(text) && isIPv6(text)) return `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`;
  if (!isIPv4(text) && !isIPv6(text))
    return `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): ${addressProblem(text)}`;
  return undefined;
}

const canonical = (text: string): string =>
  isIPv4(text) ? text : new URL(`http://[${text}]/`).hostname.replace(/^\[|\]$/g, '');

const familyName = (family: 4 | 6): 'ipv4' | 'ipv6' => (family === 4 ? 'ipv4' : 'ipv6');

function within(network: string, bits: number, address: IpValue): boolean {
  const list = new BlockList();
  list.addSubnet(network, bits, familyName(isIPv4(network) ? 4 : 6));
  return list.check(address.text, familyName(address.family));
}

const inAny = (address: IpValue, v4: readonly string[], v6: readonly string[]): boolean =>
  (address.family === 4 ? v4 : v6).some((range) => {
    const [network = '', bits] = range.split('/');
    return within(network, Number(bits), address);
  });

const isLoopback = (a: IpValue): boolean => inAny(a, ['127.0.0.0/8'], ['::1/128']);
const isUnspecified = (a: IpValue): boolean => a.text === '0.0.0.0' || a.text === '::';
const isLinkLocalMulticast = (a: IpValue): boolean =>
  a.family === 4 ? inAny(a, ['224.0.0.0/24'], []) : /^ff.2:/.test(a.text);
const isLinkLocalUnicast = (a: IpValue): boolean => inAny(a, ['169.254.0.0/16'], ['fe80::/10']);
const isMulticast = (a: IpValue): boolean => inAny(a, ['224.0.0.0/4'], ['ff00::/8']);
const isGlobalUnicast = (a: IpValue): boolean =>
  a.text !== '255.255.255.255' && ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast].some((is) => is(a));

const contains = (net: CidrValue, address: IpValue): boolean =>
  net.ip.family === address.family && within(net.ip.text, net.bits, address);
const containsCidr = (net: CidrValue, other: CidrValue): boolean => contains(net, other.ip) && net.bits <= other.bits;

function bytesOf({ text, family }: IpValue): number[] {
  if (family === 4) return text.split('.').map(Number);
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].flatMap((part) => {
    const value = Number.parseInt(part, 16);
    return [value >> 8, value & 255];
  });
}

function masked({ ip: address, bits }: CidrValue): CidrValue {
  const bytes = bytesOf(address).map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, bits - i * 8))) & 0xff);
  const text =
    address.family === 4
      ? bytes.join('.')
      : Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16)).join(
          ':',
        );
  return new CidrValue(`${text}/${bits}`);
}

const holds = (make: () => unknown): boolean => {
  try {
    make();
    return true;
  } catch {
    return false;
  }
};

/** Upstream: `cel/library/ip.go` and `cidr.go`. */
export function addAddressLibrary(environment: Environment): void {
  environment
    .registerFunction(`ip(string): ${ip}`, (text: string) => new IpValue(text))
    .registerFunction('isIP(string): bool', (text: string) => ipProblem(text) === undefined)
    .registerFunction('ip.isCanonical(string): bool', (text: string) => new IpValue(text).text === text)
    .registerFunction(`${ip}.family(): int`, (a: IpValue) => BigInt(a.family))
    .registerFunction(`${ip}.isUnspecified(): bool`, isUnspecified)
    .registerFunction(`${ip}.isLoopback(): bool`, isLoopback)
    .registerFunction(`${ip}.isLinkLocalMulticast(): bool`, isLinkLocalMulticast)
    .registerFunction(`${ip}.isLinkLocalUnicast(): bool`, isLinkLocalUnicast)
    .registerFunction(`${ip}.isGlobalUnicast(): bool`, isGlobalUnicast)
    .registerFunction(`string(${ip}): string`, (a: IpValue) => a.text)
    .registerFunction(`cidr(string): ${cidr}`, (text: string) => new CidrValue(text))
    .registerFunction('isCIDR(string): bool', (text: string) => holds(() => new CidrValue(text)))
    .registerFunction(`${cidr}.containsIP(string): bool`, (a: CidrValue, b: string) => {
      if (ipProblem(b) !== undefined) throw new Error('no such overload');
      return contains(a, new IpValue(b));
    })
    .registerFunction(`${cidr}.containsIP(${ip}): bool`, contains)
    .registerFunction(`${cidr}.containsCIDR(string): bool`, (a: CidrValue, b: string) =>
      containsCidr(a, new CidrValue(b)),
    )
    .registerFunction(`${cidr}.containsCIDR(${cidr}): bool`, containsCidr)
    .registerFunction(`${cidr}.ip(): ${ip}`, (a: CidrValue) => a.ip)
    .registerFunction(`${cidr}.prefixLength(): int`, (a: CidrValue) => BigInt(a.bits))
    .registerFunction(`${cidr}.masked(): ${cidr}`, masked)
    .registerFunction(`string(${cidr}): string`, (a: CidrValue) => `${a.ip.text}/${a.bits}`);
}
