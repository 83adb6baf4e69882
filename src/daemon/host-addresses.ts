import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { KnarrError } from '../base/errors.ts';

const absent = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** The interface of the IPv4 default route with the lowest metric (`/proc/net/route`), if there is one. */
export function defaultRouteInterface(routes: string): string | undefined {
  return routes
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}

/** Interfaces that a node makes by itself never give it its address. */
const ownInterfaces = /^(lo|cni\d*|flannel[.\d-]*|veth.*|docker\d*|br-.*|kube-.*)$/;

/** Global addresses by interface, the one of the default route first. */
async function globalAddresses(): Promise<{ address: string; family: string }[]> {
  const preferred = defaultRouteInterface(await absent('/proc/net/route'));
  return Object.entries(networkInterfaces())
    .filter(([name]) => name === preferred || !ownInterfaces.test(name))
    .sort(([a], [b]) => Number(b === preferred) - Number(a === preferred))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter((a) => !a.internal && !a.address.startsWith('fe80:') && !a.address.startsWith('169.254.'));
}

/** The IPv4 address of this machine, or its IPv6 one where there is no other. Throws when it has none at all. */
export async function detectNodeAddresses(): Promise<string[]> {
  const addresses = await globalAddresses();
  const primary = addresses.find((a) => a.family === 'IPv4') ?? addresses[0];
  if (primary !== undefined) return [primary.address];
  throw new KnarrError({
    code: 'no-address',
    blame: 'world',
    message: 'give --node-ip: no interface of this machine has an address that others could reach',
  });
}

/** All addresses of this machine that a certificate should name. */
export const ownAddresses = async (): Promise<string[]> => (await globalAddresses()).map((a) => a.address);
