import type { Host } from '../../cloud-config/host.ts';
import type { HealthCheck } from './checks.ts';

/** What `ip -json route` says of a route. */
interface Route {
  readonly gateway?: string;
  readonly via?: { readonly host: string };
  readonly dev?: string;
  readonly nexthops?: readonly Route[];
}

async function ipJson<T>(host: Host, args: readonly string[]): Promise<readonly T[]> {
  const { code, stdout } = await host.run('ip', ['-json', ...args], { okCodes: [0, 1, 255] });
  return code === 0 && stdout.trim() !== '' ? (JSON.parse(stdout) as T[]) : [];
}

/** Asked anew, for what the kernel knows of a neighbour may be from another network: has it a hardware address? */
async function answers(host: Host, gateway: string, dev: string): Promise<boolean> {
  await host.run('ip', ['neigh', 'flush', 'to', gateway, 'dev', dev], { okCodes: [0, 1, 2, 255] });
  const { code } = await host.run('ping', ['-c', '1', '-W', '2', '-I', dev, gateway], { okCodes: [0, 1, 2] });
  const known = await ipJson<{ lladdr?: string; state?: string[] }>(host, ['neigh', 'show', 'to', gateway, 'dev', dev]);
  return code === 0 || known.some(({ lladdr, state = [] }) => lladdr !== undefined && !state.includes('FAILED'));
}

/** The gateways of this machine's default routes that are there, as `192.168.1.1 (eth0)`. */
export async function gatewaysOf(host: Host): Promise<string[]> {
  const routes = (
    await Promise.all(['-4', '-6'].map((family) => ipJson<Route>(host, [family, 'route', 'show', 'default'])))
  ).flat();
  const hops = routes.flatMap((route) => route.nexthops?.map((hop) => ({ ...route, ...hop })) ?? [route]);
  const found: string[] = [];
  for (const { gateway, via, dev } of hops) {
    const address = gateway ?? via?.host;
    if (address !== undefined && dev !== undefined && (await answers(host, address, dev)))
      found.push(`${address} (${dev})`);
  }
  return found;
}

const isV4 = (gateway: string): boolean => /^[\d.]+ /.test(gateway);

/**
 * A machine that had a way to others has one still; which, is its configuration's affair. Who had one by IPv4 needs that:
 * routers announce themselves by IPv6 whatever is configured, and the people and programs outside ask by IPv4.
 */
export const networkCheck = (before: readonly string[]): HealthCheck => ({
  name: 'network',
  async run({ host }) {
    if (before.length === 0) return undefined;
    const now = await gatewaysOf(host);
    if (before.some(isV4) ? now.some(isV4) : now.length > 0) return undefined;
    return { wait: `no gateway answers any more; before: ${before.join(', ')}` };
  },
});
