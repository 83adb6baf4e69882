import { createHash } from 'node:crypto';

/** nft takes names of letters, digits and `_ . - /`; the kernel at most 255 of them. */
const maxNameLength = 240;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** What a port of a service is called in rules: short, unlike any other, and still readable by a person. */
export function portId(namespace: string, name: string, protocol: string, port: string): string {
  const text = `${namespace}/${name}/${protocol.toLowerCase()}/${port}`;
  return `${hash(text)}-${text}`.slice(0, maxNameLength);
}

/** Names an endpoint of that port. Colons of IPv6 addresses are not for names. */
export function endpointId(port: string, ip: string, targetPort: number): string {
  return `${hash(`${port} ${ip} ${targetPort}`)}-${ip.replaceAll(':', '.')}/${targetPort}`;
}
