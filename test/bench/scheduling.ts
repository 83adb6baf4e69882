import { deployments, nodes, pods } from '../../src/api/gen/resources.ts';
import type { Client } from '../../src/client/client.ts';
import type { Measurement } from './measure.ts';
import { startShippedServer } from './own-server.ts';
import { openTarget } from './target.ts';

const hollowNodes = 10;
const replicas = 1000;

/** Nodes that are nothing but an object that says Ready. */
async function addHollowNodes(client: Client, prefix: string): Promise<void> {
  for (let i = 0; i < hollowNodes; i++) {
    const name = `${prefix}-${i}`;
    const node = await client.create(nodes, { metadata: { name, labels: { [prefix]: 'yes' } } });
    const room = { cpu: '64', memory: '256Gi', pods: '250' };
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    };
    await client.patch(
      nodes,
      node.metadata.name ?? '',
      { type: 'merge', body: { status: { capacity: room, allocatable: room, conditions: [ready] } } },
      { subresource: 'status' },
    );
    await client.patch(nodes, name, { type: 'merge', body: { spec: { taints: null } } });
  }
}

async function untilBound(client: Client, namespace: string): Promise<void> {
  const bound = new Set<string>();
  const ending = new AbortController();
  const options = { namespace, resourceVersion: '0', signal: ending.signal };
  for await (const { object } of client.watch(pods, options)) {
    if (object.spec?.nodeName !== undefined) bound.add(object.metadata.name ?? '');
    if (bound.size >= replicas) break;
  }
  ending.abort();
}

/** From creating a Deployment of a thousand pods to the last of them having a node. */
export const scheduling: Measurement = {
  names: ['pods_1000_bound_s'],
  async run(context) {
    const own = context.kubeconfig === undefined ? await startShippedServer() : undefined;
    try {
      const target = await openTarget(context.kubeconfig ?? own?.kubeconfig ?? '');
      const { client, namespace } = target;
      const prefix = `hollow-${process.pid}`;
      try {
        await addHollowNodes(client, prefix);
        const done = untilBound(client, namespace);
        const begun = performance.now();
        await client.create(
          deployments,
          {
            metadata: { name: 'thousand', namespace },
            spec: {
              replicas,
              selector: { matchLabels: { app: 'thousand' } },
              template: {
                metadata: { labels: { app: 'thousand' } },
                spec: {
                  nodeSelector: { [prefix]: 'yes' },
                  tolerations: [{ operator: 'Exists' }],
                  containers: [{ name: 'main', image: 'none' }],
                },
              },
            },
          },
          { namespace },
        );
        await done;
        const value = (performance.now() - begun) / 1000;
        return [{ name: 'pods_1000_bound_s', value, unit: 's', better: 'lower' }];
      } finally {
        for (let i = 0; i < hollowNodes; i++) await client.delete(nodes, `${prefix}-${i}`).catch(() => {});
        await target.close();
      }
    } finally {
      await own?.stop();
    }
  },
};
