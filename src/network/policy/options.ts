import type { Logger } from '../../base/log.ts';
import type { InformerFactory } from '../../client/informer.ts';

export interface NetworkPolicyOptions {
  informers: InformerFactory;
  nodeName: string;
  log: Logger;
}
