import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createWorkLoop } from './work-loop.ts';

test('what comes up during a step is done after it, once', async () => {
  const steps: PromiseWithResolvers<void>[] = [];
  const loop = createWorkLoop({
    now: Date.now,
    step: () => {
      const step = Promise.withResolvers<void>();
      steps.push(step);
      // a reason that the step itself finds, before it waits for anything
      if (steps.length === 1) loop.kick();
      return step.promise;
    },
  });
  loop.kick();
  loop.kick();
  await turn();
  assert.equal(steps.length, 1);
  steps[0]?.resolve();
  await turn();
  assert.equal(steps.length, 2);
  steps[1]?.resolve();
  await turn();
  assert.equal(steps.length, 2);
});

test('the earliest time counts, and the end waits for the step that runs', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const step = Promise.withResolvers<void>();
  let steps = 0;
  const loop = createWorkLoop({
    now: Date.now,
    step: () => {
      steps++;
      return step.promise;
    },
  });
  loop.wakeIn(1000);
  loop.wakeIn(100);
  loop.wakeIn(5000);
  t.mock.timers.tick(99);
  assert.equal(steps, 0);
  t.mock.timers.tick(1);
  assert.equal(steps, 1);
  let over = false;
  const end = loop.end().then(() => {
    over = true;
  });
  loop.kick();
  await turn();
  assert.deepStrictEqual([steps, over], [1, false]);
  step.resolve();
  await end;
  assert.equal(steps, 1);
});
