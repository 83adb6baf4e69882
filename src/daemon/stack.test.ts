import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../base/log.ts';
import { createStack } from './stack.ts';

test('components are stopped in the reverse of their order, also the one that could not start', async () => {
  const told: string[] = [];
  const component = (name: string, fails = false) => ({
    name,
    async start() {
      told.push(`start ${name}`);
      if (fails) throw new Error(`${name} fails`);
    },
    async stop() {
      told.push(`stop ${name}`);
      if (name === 'b') throw new Error('is told, not thrown');
    },
  });
  const stack = createStack(silent);
  await stack.run(component('a'));
  await stack.run(component('b'));
  await assert.rejects(stack.run(component('c', true)), /c fails/);
  await stack.stop();
  await stack.run(component('late'));
  assert.deepEqual(told, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
});
