import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatefulSet } from '../../api/gen/apps-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { revisionLabel } from '../runtime/history.ts';
import { planStatefulSet } from './plan.ts';

const set = (replicas: number, spec: object = {}, currentReplicas = 0): StatefulSet =>
  ({ metadata: { name: 's' }, spec: { replicas, ...spec }, status: { currentReplicas } }) as unknown as StatefulSet;
const pod = (ordinal: number, revision = 'new', ready = true, phase = 'Running'): Pod => ({
  metadata: { name: `s-${ordinal}`, labels: { [revisionLabel]: revision } },
  status: {
    phase,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '1970-01-01T00:00:00Z' }],
  },
});

function told(subject: StatefulSet, pods: Pod[]): string[] {
  const plan = planStatefulSet({ set: subject, pods, current: 'old', update: 'new', now: 1e12 });
  return [
    ...plan.create.map((c) => `create ${c.ordinal} ${c.revision}`),
    ...plan.recreate.map((p) => `recreate ${p.metadata.name}`),
    ...plan.remove.map((p) => `remove ${p.metadata.name}`),
  ];
}

const parallel = { podManagementPolicy: 'Parallel' };
const partition = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } };
const cases: [string, StatefulSet, Pod[], string[]][] = [
  ['starts the first alone', set(3), [], ['create 0 new']],
  ['waits until it is ready', set(3), [pod(0, 'new', false)], []],
  ['goes on to the next', set(3), [pod(0)], ['create 1 new']],
  ['starts all at once when parallel', set(2, parallel), [], ['create 0 new', 'create 1 new']],
  ['takes the last away first', set(1), [pod(0), pod(1), pod(2)], ['remove s-2']],
  ['replaces what has ended', set(1), [pod(0, 'new', false, 'Failed')], ['recreate s-0']],
  ['updates from the top, one by one', set(3), [pod(0, 'old'), pod(1, 'old'), pod(2, 'old')], ['remove s-2']],
  ['waits for the updated one', set(3), [pod(0, 'old'), pod(1, 'old'), pod(2, 'new', false)], []],
  ['leaves what is below the partition', set(2, partition), [pod(0, 'old'), pod(1)], []],
  ['restores what is below it with the old revision', set(2, partition), [pod(1)], ['create 0 old']],
  ['updates nothing by itself on delete', set(1, { updateStrategy: { type: 'OnDelete' } }), [pod(0, 'old')], []],
];
for (const [name, subject, pods, expected] of cases) {
  test(`A stateful set ${name}`, () => assert.deepStrictEqual(told(subject, pods), expected));
}
