import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { namespaces, nodes, serviceaccounts } from '../../src/api/gen/resources.ts';
import { eventually } from '../harness/cluster.ts';
import { cases } from './cases.ts';
import { startUpstreamControlPlane, type UpstreamControlPlane } from './control-plane.ts';
import { createHollowNode } from './hollow-node.ts';
import { findUpstream } from './programs.ts';

const found = await findUpstream();
const skip = typeof found === 'string' ? found : false;

describe('upstream’s controller manager and scheduler with our API server', { skip }, () => {
  let plane: UpstreamControlPlane;
  const hollow: ReturnType<typeof createHollowNode>[] = [];

  before(async () => {
    if (typeof found === 'string') return;
    plane = await startUpstreamControlPlane(found);
    const { client } = plane;
    for (const index of [0, 1, 2]) {
      const node = createHollowNode({ client, name: `hollow-${index}`, subnet: `10.42.${index}` });
      hollow.push(node);
      await node.start();
    }
    // The third takes only what tolerates the taint.
    const taints = [{ key: 'out', effect: 'NoExecute' }];
    await client.patch(nodes, 'hollow-2', { type: 'merge', body: { spec: { taints } } });
  });

  after(async () => {
    for (const node of hollow) await node.stop();
    await plane?.stop();
  });

  describe('what a cluster does by itself', { concurrency: true }, () => {
    Object.entries(cases).forEach(([name, body], index) => {
      test(name, { timeout: 150_000 }, async () => {
        const namespace = `case-${index}`;
        await plane.client.create(namespaces, { metadata: { name: namespace } });
        await eventually('its service account', () => plane.client.get(serviceaccounts, 'default', { namespace }));
        await body({ client: plane.client, namespace });
      });
    });
  });

  test('their logs complain of nothing', async () => {
    const complaints = await plane.complaints();
    assert.equal(complaints.length, 0, complaints.slice(0, 20).join('\n'));
  });
});
