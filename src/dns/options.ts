import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';

/** The resolver of one node. */
export interface DnsOptions {
  informers: InformerFactory;
  nodeName: string;
  /** `cluster.local` */
  clusterDomain: string;
  /** The cluster addresses that this node answers on (10.43.0.10): put on the loopback interface at start. */
  clusterDns: readonly string[];
  serviceCidrs: readonly string[];
  clusterCidrs: readonly string[];
  /** Where the upstream resolvers are named; default /etc/resolv.conf, then systemd-resolved's own list. */
  resolvConf?: string;
  /** Default 53; tests take another. */
  port?: number;
  /** Put `clusterDns` on `lo` (default); false where the addresses are there already. */
  manageAddresses?: boolean;
  log: Logger;
}

/** The Service that every pod finds the resolver by; made and kept by a server. */
export interface DnsServiceOptions {
  client: Client;
  informers: InformerFactory;
  clusterDns: readonly string[];
  log: Logger;
}
