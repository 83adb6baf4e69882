import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';

export type FlannelBackend = 'vxlan' | 'host-gw' | 'none';

export interface FlannelOptions {
  client: Client;
  informers: InformerFactory;
  nodeName: string;
  /** The addresses under which other nodes reach this one, one per family at most. */
  nodeIps: readonly string[];
  clusterCidrs: readonly string[];
  backend: FlannelBackend;
  /** The interface that carries the overlay; default: the one that has the node's address. */
  iface?: string;
  /** VXLAN identifier and UDP port; default 1 and 8472. */
  vni?: number;
  port?: number;
  /** Masquerade IPv6 pod traffic that leaves the cluster too (K3s's --flannel-ipv6-masq). */
  ipv6Masquerade?: boolean;
  /** Where the CNI configuration goes, e.g. /var/lib/rancher/k3s/agent/etc/cni/net.d. */
  cniConfDir: string;
  /** Where the CNI plugins are: optional ones (bandwidth) are used when they are there. */
  cniBinDirs: readonly string[];
  /** A conflist of the user's own instead of ours (K3s's --flannel-cni-conf). */
  cniConfFile?: string;
  /** Default /run/flannel/subnet.env. */
  subnetFile?: string;
  /** Where host-local keeps what it gave out; default /var/lib/cni/networks. */
  ipamDataDir?: string;
  log: Logger;
}
