import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from './pod-info.ts';
import { createSchedulingQueue } from './queue.ts';

const info = (name: string, priority = 0): ReturnType<typeof podInfoOf> =>
  podInfoOf({ metadata: { name, namespace: 'ns', uid: name }, spec: { containers: [], priority } });

test('Pods come by priority, then by age; removed ones do not come', () => {
  const queue = createSchedulingQueue({ onReady: () => {} });
  for (const pod of [info('a'), info('b', 5), info('c'), info('d', 5)]) queue.add(pod);
  queue.remove('a');
  assert.deepStrictEqual(
    [1, 2, 3, 4].map(() => queue.take()?.uid),
    ['b', 'd', 'c', undefined],
  );
  queue.close();
});

test('A refused pod sleeps until something happens that its plugins care about, and its back-off is over', async () => {
  let ready = 0;
  const queue = createSchedulingQueue({ onReady: () => ready++, initialBackoffMs: 20 });
  queue.refused(info('a'), new Set(['pod-removed']));
  queue.changed('node-added');
  assert.equal(queue.take(), undefined);
  queue.changed('pod-removed');
  assert.equal(queue.take(), undefined);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(ready, 1);
  assert.equal(queue.take()?.uid, 'a');
  queue.close();
});
