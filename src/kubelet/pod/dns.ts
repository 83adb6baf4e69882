import type { NodePod } from './pod.ts';

export interface ResolvConf {
  servers: string[];
  searches: string[];
  options: string[];
}

/** What a resolver file says; the last `search` (or `domain`) line counts. */
export function parseResolvConf(text: string): ResolvConf {
  const result: ResolvConf = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0]) result.servers.push(rest[0]);
    else if (word === 'search') result.searches = rest.map((s) => (s === '.' ? s : s.replace(/\.$/, '')));
    else if (word === 'options') result.options.push(...rest);
  }
  return result;
}

const unique = (list: readonly string[]): string[] => [...new Set(list)];

/** Options by name; the later list wins. */
function mergeOptions(base: readonly string[], over: readonly string[]): string[] {
  const byName = new Map([...base, ...over].map((option) => [option.split(':')[0] ?? '', option]));
  return [...byName.values()];
}

/**
 * The resolver configuration of a pod: `ClusterFirst` (for pods on the host's network only when they say
 * `ClusterFirstWithHostNet`), `Default` (the node's), `None`; then what the pod's own dnsConfig adds.
 */
export function podDns(
  pod: NodePod,
  node: { clusterDns: readonly string[]; clusterDomain: string; host: ResolvConf },
): ResolvConf {
  const { spec, metadata } = pod;
  const { clusterDns, clusterDomain, host } = node;
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const cluster =
    clusterDns.length > 0 && (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !spec.hostNetwork));
  const svc = `svc.${clusterDomain}`;
  const base: ResolvConf =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : cluster
        ? {
            servers: [...clusterDns],
            searches: unique([`${metadata.namespace}.${svc}`, svc, clusterDomain, ...host.searches]),
            options: ['ndots:5'],
          }
        : { servers: [...host.servers], searches: [...host.searches], options: [...host.options] };
  const own = spec.dnsConfig;
  return {
    servers: unique([...base.servers, ...(own?.nameservers ?? [])]).slice(0, 3),
    searches: unique([...base.searches, ...(own?.searches ?? [])]).slice(0, 32),
    options: mergeOptions(
      base.options,
      (own?.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : (name ?? ''))),
    ),
  };
}
