import type { Logger } from '../../base/log.ts';
import type { InformerFactory } from '../../client/informer.ts';

export interface NetworkPolicyOptions {
  informers: InformerFactory;
  nodeName: string;
  /** Addresses of the node: probes and host traffic from them always reach the node's own pods. */
  nodeIps: readonly string[];
  log: Logger;
}
