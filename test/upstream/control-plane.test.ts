import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startUpstreamControlPlane, type UpstreamControlPlane } from './control-plane.ts';
import { type HollowNodes, startHollowNodes } from './hollow-nodes.ts';
import { findUpstream } from './programs.ts';
import { testCases } from './test-cases.ts';

const found = await findUpstream();
const skip = typeof found === 'string' ? found : false;

describe('upstream’s controller manager and scheduler with our API server', { skip }, () => {
  let plane: UpstreamControlPlane;
  let hollow: HollowNodes | undefined;

  before(async () => {
    if (typeof found === 'string') return;
    plane = await startUpstreamControlPlane(found);
    hollow = await startHollowNodes(plane.client);
  });

  after(async () => {
    await hollow?.stop();
    await plane?.stop();
  });

  testCases(() => plane.client);

  test('their logs complain of nothing', async () => {
    const complaints = await plane.complaints();
    assert.equal(complaints.length, 0, complaints.slice(0, 20).join('\n'));
  });
});
