import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusPatch } from './patch.ts';

const time = '2026-01-01T00:00:00Z';

test('nothing changed: no patch', () => {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }] };
  assert.equal(statusPatch(status, structuredClone(status)), undefined);
});

test('only what changed is sent; lists are replaced, texts that went are removed', () => {
  const patch = statusPatch(
    {
      phase: 'Pending',
      reason: 'Why',
      podIPs: [{ ip: '1.1.1.1' }],
      conditions: [
        { type: 'Ready', status: 'False', reason: 'X', message: 'm', lastTransitionTime: time },
        { type: 'Other', status: 'True' },
      ],
    },
    {
      phase: 'Running',
      podIPs: [{ ip: '2.2.2.2' }],
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: time },
        { type: 'Other', status: 'True' },
      ],
    },
  );
  assert.deepStrictEqual(patch, {
    phase: 'Running',
    reason: null,
    podIPs: [{ $patch: 'replace' }, { ip: '2.2.2.2' }],
    conditions: [
      { type: 'Ready', status: 'True', lastTransitionTime: time, lastProbeTime: null, reason: null, message: null },
    ],
  });
});
