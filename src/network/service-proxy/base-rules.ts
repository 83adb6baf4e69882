import type { NftFragment } from '../../host/nft.ts';

/** The bit of the packet mark that asks for masquerading; the same as upstream's, which never runs beside us. */
export const masqueradeMark = '0x4000';
export const markForMasquerade = `meta mark set meta mark or ${masqueradeMark}`;

/** Words of nft that differ between the families. */
export const words = {
  4: { ip: 'ip', type: 'ipv4_addr', loopback: '127.0.0.0/8', tableFamily: 'ip' },
  6: { ip: 'ip6', type: 'ipv6_addr', loopback: '::1', tableFamily: 'ip6' },
} as const;

export interface BaseRulesOptions {
  family: 4 | 6;
  clusterCidrs: readonly string[];
  serviceCidrs: readonly string[];
  ownAddresses: readonly string[];
  /** Addresses that answer on node ports; undefined means every local one except loopback. */
  nodePortAddresses: readonly string[] | undefined;
}

/** By number: older programs know the names in some hooks only. */
const priority = { early: -110, dstnat: -100, filter: 0, srcnat: 100 } as const;

const set = (items: readonly string[]): string => `{ ${items.join(', ')} }`;

/**
 * What does not depend on any service: base chains that look a packet up in verdict maps, so that the number of
 * services does not matter to it, and the maps themselves.
 */
export function baseRules(options: BaseRulesOptions): NftFragment {
  const { family, clusterCidrs, serviceCidrs, ownAddresses, nodePortAddresses } = options;
  const { ip, type, loopback } = words[family];
  const destination = `${ip} daddr . meta l4proto . th dport`;
  const port = 'meta l4proto . th dport';
  const toNode =
    nodePortAddresses === undefined
      ? `fib daddr type local ${ip} daddr != ${loopback}`
      : `${ip} daddr ${set(nodePortAddresses)}`;
  const nodePorts = (map: string): string[] =>
    nodePortAddresses?.length === 0 ? [] : [`${toNode} ${port} vmap @${map}`];
  const hook = (kind: string, at: string, when: keyof typeof priority): string =>
    `type ${kind} hook ${at} priority ${priority[when]} ; policy accept ;`;
  const byDestination = `${type} . inet_proto . inet_service : verdict`;
  const byPort = 'inet_proto . inet_service : verdict';
  return {
    sets: {
      'cluster-ips': { kind: 'set', type },
      'service-ips': { kind: 'map', type: byDestination },
      'service-node-ports': { kind: 'map', type: byPort },
      'no-endpoint-services': { kind: 'map', type: byDestination },
      'no-endpoint-node-ports': { kind: 'map', type: byPort },
      'firewalled-ips': { kind: 'map', type: byDestination },
      hairpins: { kind: 'set', type: `${type} . ${type} . inet_proto . inet_service` },
    },
    chains: {
      // A reset is felt at once by a client on the node itself; an ICMP answer only after it has sent again.
      refuse: { rules: ['meta l4proto tcp reject with tcp reset', 'reject'] },
      services: {
        rules: [
          ...(clusterCidrs.length > 0
            ? [`${ip} daddr @cluster-ips ${ip} saddr != ${set(clusterCidrs)} ${markForMasquerade}`]
            : []),
          `${destination} vmap @service-ips`,
          ...nodePorts('service-node-ports'),
        ],
      },
      'no-endpoints': { rules: [`${destination} vmap @no-endpoint-services`] },
      'no-node-port-endpoints': { rules: nodePorts('no-endpoint-node-ports') },
      'unused-cluster-ips': {
        rules: [
          ...(ownAddresses.length > 0 ? [`${ip} daddr ${set(ownAddresses)} return`] : []),
          `${ip} daddr @cluster-ips goto refuse`,
          ...(serviceCidrs.length > 0 ? [`${ip} daddr ${set(serviceCidrs)} drop`] : []),
        ],
      },
      firewall: { rules: [`${destination} vmap @firewalled-ips`] },
      'filter-prerouting': {
        hook: hook('filter', 'prerouting', 'early'),
        rules: ['ct state new jump firewall'],
      },
      'filter-output-early': {
        hook: hook('filter', 'output', 'early'),
        rules: ['ct state new jump firewall'],
      },
      'filter-input': {
        hook: hook('filter', 'input', 'filter'),
        rules: ['ct state new jump no-node-port-endpoints', 'ct state new jump no-endpoints'],
      },
      'filter-forward': {
        hook: hook('filter', 'forward', 'filter'),
        rules: ['ct state new jump no-endpoints', 'ct state new jump unused-cluster-ips'],
      },
      'filter-output': {
        hook: hook('filter', 'output', 'filter'),
        rules: ['ct state new jump no-endpoints', 'ct state new jump unused-cluster-ips'],
      },
      'nat-prerouting': { hook: hook('nat', 'prerouting', 'dstnat'), rules: ['jump services'] },
      'nat-output': { hook: hook('nat', 'output', 'dstnat'), rules: ['jump services'] },
      'nat-postrouting': {
        hook: hook('nat', 'postrouting', 'srcnat'),
        rules: [
          `meta mark and ${masqueradeMark} != 0 meta mark set meta mark xor ${masqueradeMark} masquerade fully-random`,
          `ct status dnat ${ip} saddr . ${ip} daddr . meta l4proto . th dport @hairpins masquerade fully-random`,
        ],
      },
    },
  };
}
