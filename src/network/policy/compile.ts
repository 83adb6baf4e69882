import { createHash } from 'node:crypto';
import type { Namespace, Pod } from '../../api/gen/core-v1.ts';
import type { LabelSelector } from '../../api/gen/meta-v1.ts';
import type {
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../../api/gen/networking-v1.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { formatCidr, ipFamily, parseCidr } from '../../base/cidr.ts';
import type { NftChain, NftFragment, NftSet } from '../../host/nft.ts';

export interface PolicyInput {
  nodeName: string;
  policies: readonly NetworkPolicy[];
  pods: readonly Pod[];
  namespaces: readonly Namespace[];
}

type Direction = 'ingress' | 'egress';
type Family = 4 | 6;

const families: readonly Family[] = [4, 6];
const words = { 4: { ip: 'ip', type: 'ipv4_addr' }, 6: { ip: 'ip6', type: 'ipv6_addr' } } as const;
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** A pod that has addresses of its own and still runs. */
export function isNetworked(pod: Pod): boolean {
  const { phase, podIPs, podIP } = pod.status ?? {};
  return (
    pod.spec?.hostNetwork !== true &&
    phase !== 'Succeeded' &&
    phase !== 'Failed' &&
    (podIPs?.length || podIP) !== undefined
  );
}

export const podAddresses = (pod: Pod): readonly string[] =>
  pod.status?.podIPs?.map(({ ip }) => ip) ?? (pod.status?.podIP ? [pod.status.podIP] : []);

const addressesOf = (pod: Pod, family: Family): string[] => podAddresses(pod).filter((ip) => ipFamily(ip) === family);

/** As the API defaults it: Ingress always, Egress when the policy has egress rules. */
function applies(policy: NetworkPolicy, direction: Direction): boolean {
  const types = policy.spec?.policyTypes ?? ['Ingress', ...(policy.spec?.egress ? ['Egress'] : [])];
  return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
}

function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  for (const container of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])])
    for (const port of container.ports ?? [])
      if (port.name === name && (port.protocol ?? 'TCP') === protocol) return port.containerPort;
  return undefined;
}

/** Collects what rules need; the same selector or rule list met twice is made once. */
interface Builder {
  input: PolicyInput;
  podsByNamespace: ReadonlyMap<string, readonly Pod[]>;
  sets: Record<string, NftSet>;
  chains: Record<string, NftChain>;
  elements: Record<string, Record<string, string>>;
  peers: Map<string, readonly Pod[]>;
}

function peerPods(builder: Builder, peer: NetworkPolicyPeer, namespace: string): { key: string; pods: readonly Pod[] } {
  const { namespaceSelector, podSelector } = peer;
  const key = JSON.stringify([namespaceSelector ? null : namespace, namespaceSelector ?? null, podSelector ?? null]);
  const known = builder.peers.get(key);
  if (known) return { key, pods: known };
  const inNamespaces = namespaceSelector
    ? builder.input.namespaces
        .filter((n) => labelSelectorMatches(namespaceSelector, n.metadata.labels))
        .map((n) => n.metadata.name ?? '')
    : [namespace];
  const selector: LabelSelector = podSelector ?? {};
  const pods = inNamespaces.flatMap((name) =>
    (builder.podsByNamespace.get(name) ?? []).filter((pod) => labelSelectorMatches(selector, pod.metadata.labels)),
  );
  builder.peers.set(key, pods);
  return { key, pods };
}

function peerSet(builder: Builder, family: Family, key: string, pods: readonly Pod[]): string {
  const name = `pods${family}-${hash(key)}`;
  if (builder.sets[name] === undefined) {
    builder.sets[name] = { kind: 'set', type: words[family].type };
    builder.elements[name] = Object.fromEntries(pods.flatMap((p) => addressesOf(p, family)).map((ip) => [ip, '']));
  }
  return name;
}

/** Where a name stands for other numbers on other pods, address and port go together. */
function namedPortSet(
  builder: Builder,
  family: Family,
  key: string,
  pods: readonly Pod[],
  port: string,
  protocol: string,
): string {
  const name = `ports${family}-${hash(`${key} ${protocol} ${port}`)}`;
  if (builder.sets[name] === undefined) {
    builder.sets[name] = { kind: 'set', type: `${words[family].type} . inet_proto . inet_service` };
    builder.elements[name] = Object.fromEntries(
      pods.flatMap((pod) => {
        const number = namedPort(pod, port, protocol);
        if (number === undefined) return [];
        return addressesOf(pod, family).map((ip) => [`${ip} . ${protocol.toLowerCase()} . ${number}`, '']);
      }),
    );
  }
  return name;
}

/** Matches of numeric ports; undefined for a name that this pod has no port of. */
function portMatch(port: NetworkPolicyPort, pod: Pod | undefined): string | undefined {
  const protocol = port.protocol ?? 'TCP';
  const match = `meta l4proto ${protocol.toLowerCase()}`;
  if (port.port === undefined) return match;
  const first = typeof port.port === 'number' ? port.port : pod && namedPort(pod, port.port, protocol);
  if (first === undefined) return undefined;
  return `${match} th dport ${port.endPort === undefined ? first : `${first}-${port.endPort}`}`;
}

function peerMatches(
  builder: Builder,
  family: Family,
  side: string,
  peer: NetworkPolicyPeer,
  namespace: string,
): string[] {
  const { ip } = words[family];
  if (peer.ipBlock) {
    const block = parseCidr(peer.ipBlock.cidr);
    if (block?.family !== family) return [];
    const excepts = (peer.ipBlock.except ?? []).flatMap((text) => parseCidr(text) ?? []);
    const within = block.prefix === 0 ? [] : [`${ip} ${side} ${formatCidr(block)}`];
    return [
      [`meta nfproto ipv${family}`, ...within, ...excepts.map((e) => `${ip} ${side} != ${formatCidr(e)}`)].join(' '),
    ];
  }
  const { key, pods } = peerPods(builder, peer, namespace);
  return [`${ip} ${side} @${peerSet(builder, family, key, pods)}`];
}

/** The rules that let through what one policy's rule names; `pod` is the one that is isolated. */
function allowRules(
  builder: Builder,
  family: Family,
  direction: Direction,
  rule: { ports?: NetworkPolicyPort[] | undefined; peers: NetworkPolicyPeer[] | undefined },
  namespace: string,
  pod: Pod,
): string[] {
  const { ip } = words[family];
  const side = direction === 'ingress' ? 'saddr' : 'daddr';
  const ports = rule.ports ?? [];
  const peers = rule.peers ?? [];
  const numeric = ports.filter((port) => direction === 'ingress' || typeof port.port !== 'string');
  const portMatches = ports.length === 0 ? [''] : numeric.flatMap((port) => portMatch(port, pod) ?? []);
  const matches =
    peers.length === 0
      ? [`meta nfproto ipv${family}`]
      : peers.flatMap((peer) => peerMatches(builder, family, side, peer, namespace));
  const plain = matches.flatMap((match) => portMatches.map((port) => `${match} ${port} return`.replace('  ', ' ')));
  // On the way out a port's name is the other pod's.
  const named = ports.flatMap((port) => {
    if (direction === 'ingress' || typeof port.port !== 'string') return [];
    const name = port.port;
    const targets = peers.length === 0 ? [{ namespaceSelector: {} }] : peers.filter((peer) => !peer.ipBlock);
    return targets.map((peer) => {
      const { key, pods } = peerPods(builder, peer, namespace);
      const set = namedPortSet(builder, family, key, pods, name, port.protocol ?? 'TCP');
      return `${ip} daddr . meta l4proto . th dport @${set} return`;
    });
  });
  return [...plain, ...named];
}

const rulesOf = (policy: NetworkPolicy, direction: Direction) =>
  direction === 'ingress'
    ? (policy.spec?.ingress ?? []).map((r: NetworkPolicyIngressRule) => ({ ports: r.ports, peers: r.from }))
    : (policy.spec?.egress ?? []).map((r: NetworkPolicyEgressRule) => ({ ports: r.ports, peers: r.to }));

/** Isolates one pod in one direction; pods with the same rules share a chain. */
function isolate(builder: Builder, pod: Pod, policies: readonly NetworkPolicy[], direction: Direction): void {
  const selecting = policies.filter((p) => applies(p, direction));
  if (selecting.length === 0) return;
  const namespace = pod.metadata.namespace ?? '';
  for (const family of families) {
    const addresses = addressesOf(pod, family);
    if (addresses.length === 0) continue;
    const rules = new Set(
      selecting.flatMap((policy) =>
        rulesOf(policy, direction).flatMap((rule) => allowRules(builder, family, direction, rule, namespace, pod)),
      ),
    );
    const chain = `${direction}-${hash([...rules].sort().join('\n'))}`;
    builder.chains[chain] = { rules: [...rules, 'drop'] };
    const map = `${direction}-pods${family}`;
    builder.elements[map] ??= {};
    for (const ip of addresses) builder.elements[map][ip] = `jump ${chain}`;
  }
}

/**
 * What policies mean for the pods of this node. A pod that a policy selects is closed in that direction except for what
 * some policy that selects it lets through; the node itself always comes to its pods, as do answers.
 * Undefined when no pod of this node is selected: then there need not be a table.
 */
export function compilePolicies(input: PolicyInput): NftFragment | undefined {
  const networked = input.pods.filter(isNetworked);
  const podsByNamespace = Map.groupBy(networked, (pod) => pod.metadata.namespace ?? '');
  const builder: Builder = { input, podsByNamespace, sets: {}, chains: {}, elements: {}, peers: new Map() };
  const byNamespace = Map.groupBy(input.policies, (policy) => policy.metadata.namespace ?? '');
  for (const pod of networked) {
    if (pod.spec?.nodeName !== input.nodeName) continue;
    const selecting = (byNamespace.get(pod.metadata.namespace ?? '') ?? []).filter((policy) =>
      labelSelectorMatches(policy.spec?.podSelector ?? {}, pod.metadata.labels),
    );
    isolate(builder, pod, selecting, 'ingress');
    isolate(builder, pod, selecting, 'egress');
  }
  if (Object.keys(builder.chains).length === 0) return undefined;
  const map = (family: Family): NftSet => ({ kind: 'map', type: `${words[family].type} : verdict` });
  return {
    sets: {
      'egress-pods4': map(4),
      'egress-pods6': map(6),
      'ingress-pods4': map(4),
      'ingress-pods6': map(6),
      ...builder.sets,
    },
    chains: {
      ...builder.chains,
      forward: {
        hook: 'type filter hook forward priority 0 ; policy accept ;',
        rules: [
          'ct state established,related accept',
          'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept',
          'ip saddr vmap @egress-pods4',
          'ip6 saddr vmap @egress-pods6',
          'ip daddr vmap @ingress-pods4',
          'ip6 daddr vmap @ingress-pods6',
        ],
      },
    },
    elements: builder.elements,
  };
}
