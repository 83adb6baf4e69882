import type { Logger } from '../../base/log.ts';
import type { InformerFactory } from '../../client/informer.ts';

export interface ServiceProxyOptions {
  informers: InformerFactory;
  nodeName: string;
  /** The node's own addresses (one per family at most); decides which families are served. */
  nodeIps: readonly string[];
  /** Where pods live: what comes from elsewhere to a cluster address is masqueraded. */
  clusterCidrs: readonly string[];
  /** Where cluster addresses live: a route makes them reachable from the node without a default route. */
  serviceCidrs: readonly string[];
  /** Cluster addresses that this node answers on by itself (the cluster's DNS): the proxy leaves their traffic alone. */
  ownAddresses?: readonly string[];
  /** Only `nftables` is supported. */
  mode?: string;
  /** Networks whose local addresses answer on node ports; default: every local address except loopback. */
  nodePortCidrs?: readonly string[];
  /** `/healthz` and `/livez`; default 0.0.0.0 (or :: on a node without IPv4) and 10256. A port of 0 turns it off. */
  healthzAddress?: string;
  healthzPort?: number;
  log: Logger;
}
