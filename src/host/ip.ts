import { run } from '../base/run.ts';
import { hostTimeoutMs, type Runner } from './tools.ts';

export interface Link {
  ifname: string;
  ifindex: number;
  mtu: number;
  /** The hardware address. */
  address?: string;
  operstate?: string;
  flags: readonly string[];
  master?: string;
  linkinfo?: { info_kind?: string; info_data?: Record<string, unknown> };
  addresses: readonly InterfaceAddress[];
}

export interface InterfaceAddress {
  ifname: string;
  family: 4 | 6;
  address: string;
  prefix: number;
  scope: string;
}

export interface Route {
  /** `default` or a network; a host route has no prefix length. */
  dst: string;
  gateway?: string;
  dev?: string;
  protocol?: string;
  prefsrc?: string;
  metric?: number;
  type?: string;
  flags: readonly string[];
}

export interface Neighbour {
  dst: string;
  lladdr?: string;
  state: readonly string[];
}

export interface FdbEntry {
  mac: string;
  dst?: string;
  state?: string;
}

/** Links, addresses, routes, neighbours and forwarding entries of this network namespace, through iproute2. */
export interface IpTool {
  /** All links with their addresses, in one look. */
  links(): Promise<Link[]>;
  addresses(dev?: string): Promise<InterfaceAddress[]>;
  routes(family: 4 | 6, filter?: readonly string[]): Promise<Route[]>;
  neighbours(family: 4 | 6, dev: string): Promise<Neighbour[]>;
  fdb(dev: string): Promise<FdbEntry[]>;
  /** Commands in iproute2's words without the leading `ip`, one after the other; the first refused one is thrown. */
  batch(commands: readonly (readonly string[])[]): Promise<void>;
  /** The same for `bridge`. */
  bridgeBatch(commands: readonly (readonly string[])[]): Promise<void>;
}

type LinkJson = Omit<Link, 'addresses'> & {
  addr_info?: { family: string; local?: string; prefixlen: number; scope: string }[];
};

function linkOf({ addr_info: addresses = [], ...link }: LinkJson): Link {
  return {
    ...link,
    addresses: addresses.flatMap(({ family, local, prefixlen: prefix, scope }) =>
      local === undefined
        ? []
        : [{ ifname: link.ifname, family: family === 'inet' ? 4 : 6, address: local, prefix, scope }],
    ),
  };
}

export function createIpTool(options: { runner?: Runner } = {}): IpTool {
  const { runner = run } = options;
  const timeoutMs = hostTimeoutMs;

  const json = async <T>(program: string, args: readonly string[], okCodes: readonly number[] = [0]): Promise<T[]> => {
    const { stdout } = await runner(program, ['-j', ...args], { timeoutMs, okCodes });
    // A request for nothing answers nothing, or a list with an empty object in it.
    const list = stdout.trim() === '' ? [] : (JSON.parse(stdout) as T[]);
    return list.filter((item) => Object.keys(item as object).length > 0);
  };
  const batch = async (program: string, commands: readonly (readonly string[])[]): Promise<void> => {
    if (commands.length === 0) return;
    await runner(program, ['-batch', '-'], { input: `${commands.map((c) => c.join(' ')).join('\n')}\n`, timeoutMs });
  };

  return {
    links: async () => (await json<LinkJson>('ip', ['-d', 'addr', 'show'])).map(linkOf),
    async addresses(dev) {
      // `ip` ends with 1 for a link that is not there.
      const found = await json<LinkJson>('ip', ['addr', 'show', ...(dev ? ['dev', dev] : [])], [0, 1]);
      return found.flatMap((link) => linkOf(link).addresses);
    },
    routes: (family, filter = []) => json<Route>('ip', [`-${family}`, 'route', 'show', ...filter], [0, 1, 2]),
    neighbours: (family, dev) => json<Neighbour>('ip', [`-${family}`, 'neigh', 'show', 'dev', dev], [0, 1]),
    fdb: (dev) => json<FdbEntry>('bridge', ['fdb', 'show', 'dev', dev], [0, 1]),
    batch: (commands) => batch('ip', commands),
    bridgeBatch: (commands) => batch('bridge', commands),
  };
}
