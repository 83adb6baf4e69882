import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Taint, Toleration } from '../../api/gen/core-v1.ts';
import { tolerationSeconds } from '../taint-eviction/tolerated.ts';
import { unknownConditions } from './health.ts';
import { evictionPace } from './pace.ts';
import { desiredTaints, notReady, unreachable } from './taints.ts';

const node = (ready: string, taints: Taint[] = [], unschedulable = false): Node => ({
  metadata: { name: 'n' },
  spec: { taints, unschedulable },
  status: { conditions: [{ type: 'Ready', status: ready }] },
});
const text = (taints: Taint[]): string[] =>
  taints.map((t) => `${t.key.replace('node.kubernetes.io/', '')}:${t.effect}`);
const own: Taint = { key: 'mine', effect: 'NoSchedule' };

test('Taints follow conditions and leave those of others alone', () => {
  assert.deepStrictEqual(text(desiredTaints(node('False', [own]), notReady, 0)), [
    'mine:NoSchedule',
    'not-ready:NoSchedule',
    'not-ready:NoExecute',
  ]);
  const before = [own, { key: notReady, effect: 'NoSchedule' }, { key: notReady, effect: 'NoExecute' }];
  assert.deepStrictEqual(text(desiredTaints(node('True', before), undefined, 0)), ['mine:NoSchedule']);
  assert.deepStrictEqual(text(desiredTaints(node('Unknown', before), unreachable, 0)), [
    'mine:NoSchedule',
    'unreachable:NoSchedule',
    'unreachable:NoExecute',
  ]);
  assert.deepStrictEqual(text(desiredTaints(node('True', [], true), undefined, 0)), ['unschedulable:NoSchedule']);
});

test('A silent node becomes unknown once', () => {
  const conditions = unknownConditions(node('True'), 0);
  assert.equal(conditions?.length, 4);
  assert.equal(conditions?.[0]?.message, 'Kubelet stopped posting node status.');
  assert.equal(unknownConditions({ ...node('x'), status: { conditions } }, 1), undefined);
});

test('Nodes are given up slowly, not at all when most or all are gone', () => {
  assert.deepStrictEqual(evictionPace(5, 1), { perSecond: 0.1, everythingDown: false });
  assert.deepStrictEqual(evictionPace(1, 4), { perSecond: 0, everythingDown: false });
  assert.deepStrictEqual(evictionPace(40, 60), { perSecond: 0.01, everythingDown: false });
  assert.deepStrictEqual(evictionPace(0, 1), { perSecond: 0, everythingDown: true });
});

test('A pod stays as long as the shortest toleration that it needs', () => {
  const seconds = (tolerations: Toleration[]): number =>
    tolerationSeconds({ metadata: {}, spec: { containers: [], tolerations } }, [
      { key: 'a', effect: 'NoExecute' },
      { key: 'b', effect: 'NoExecute' },
    ]);
  assert.equal(seconds([{ key: 'a', operator: 'Exists' }]), 0);
  assert.equal(seconds([{ operator: 'Exists' }]), Number.POSITIVE_INFINITY);
  assert.equal(
    seconds([
      { key: 'a', operator: 'Exists', tolerationSeconds: 30 },
      { key: 'b', operator: 'Exists', tolerationSeconds: 10 },
    ]),
    10,
  );
});
