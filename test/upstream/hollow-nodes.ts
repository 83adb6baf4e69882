import { nodes } from '../../src/api/gen/resources.ts';
import type { Client } from '../../src/client/client.ts';
import { createHollowNode } from './hollow-node.ts';

export interface HollowNodes {
  stop(): Promise<void>;
}

/** `hollow-0`, `hollow-1`, and `hollow-2`, which takes only what tolerates the taint `out`. */
export async function startHollowNodes(client: Client): Promise<HollowNodes> {
  const made = [0, 1, 2].map((index) =>
    createHollowNode({ client, name: `hollow-${index}`, subnet: `10.42.${index}` }),
  );
  for (const node of made) await node.start();
  const taints = [{ key: 'out', effect: 'NoExecute' }];
  await client.patch(nodes, 'hollow-2', { type: 'merge', body: { spec: { taints } } });
  return {
    async stop() {
      await Promise.all(made.map((node) => node.stop()));
    },
  };
}
