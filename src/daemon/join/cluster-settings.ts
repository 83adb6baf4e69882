import type { ServerConfig } from '../config.ts';

/** What a node must know of its cluster; the answer of `/v1-k3s/config`, under K3s's names. */
export interface ClusterSettings {
  readonly ClusterIPRanges: readonly string[];
  readonly ServiceIPRanges: readonly string[];
  readonly ClusterDNSs: readonly string[];
  readonly ClusterDomain: string;
  readonly FlannelBackend: ServerConfig['flannelBackend'];
  readonly FlannelIPv6Masq: boolean;
  readonly EgressSelectorMode: 'agent' | 'disabled';
  readonly DisableKubeProxy: boolean;
  readonly DisableNPC: boolean;
  /** True where the user brings a resolver of their own. */
  readonly DisableCoreDNS: boolean;
}

export const settingsOf = (config: ServerConfig): ClusterSettings => ({
  ClusterIPRanges: config.clusterCidrs,
  ServiceIPRanges: config.serviceCidrs,
  ClusterDNSs: config.clusterDns,
  ClusterDomain: config.clusterDomain,
  FlannelBackend: config.flannelBackend,
  FlannelIPv6Masq: config.flannelIpv6Masquerade,
  EgressSelectorMode: config.tunnel ? 'agent' : 'disabled',
  DisableKubeProxy: !config.serviceProxy,
  DisableNPC: !config.networkPolicy,
  DisableCoreDNS: config.disabled.has('coredns'),
});
