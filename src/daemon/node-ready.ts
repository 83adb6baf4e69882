import type { Node } from '../api/gen/core-v1.ts';
import { nodes } from '../api/gen/resources.ts';
import { isNodeReady } from '../api/node.ts';
import { delay } from '../base/abort.ts';
import type { InformerFactory } from '../client/informer.ts';

/** Resolves as soon as the API says of this node that it is Ready, after `limitMs`, or when `signal` aborts; never rejects. */
export async function untilNodeReady(options: {
  informers: InformerFactory;
  nodeName: string;
  limitMs: number;
  signal: AbortSignal;
}): Promise<void> {
  const { informers, nodeName, limitMs, signal } = options;
  const over = new AbortController();
  const look = (node: Node): void => {
    if (node.metadata.name === nodeName && isNodeReady(node)) over.abort();
  };
  const release = informers.informer(nodes).addHandler({ add: look, update: look });
  await delay(limitMs, AbortSignal.any([over.signal, signal]));
  release();
}
