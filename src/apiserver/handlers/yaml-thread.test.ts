import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYaml } from './yaml-body.ts';
import { mostInTurn, readYamlAside } from './yaml-thread.ts';

const large = (lines: number): string => Array.from({ length: lines }, (_, i) => `key${i}: value`).join('\n');

test('a large document is read beside the event loop, with the same result', async () => {
  const text = `${large(4_000)}\nkey1: twice\n`;
  assert.ok(text.length > mostInTurn);
  const turns: number[] = [];
  const timer = setInterval(() => turns.push(performance.now()), 1);
  const read = await readYamlAside(text);
  clearInterval(timer);
  assert.deepEqual(read, readYaml(text));
  assert.ok(turns.length > 5, `the loop turned ${turns.length} times meanwhile`);
});

test('what is wrong in a large document is told, and the next one is read', async () => {
  await assert.rejects(async () => readYamlAside(`${large(4_000)}\na: b: c`), /^Error: yaml: /);
  assert.equal(Object.keys((await readYamlAside(large(3_000))).value as object).length, 3_000);
});

test('more than a few at a time are refused', async () => {
  const all = await Promise.allSettled(Array.from({ length: 12 }, async () => readYamlAside(large(2_000))));
  assert.deepEqual([...new Set(all.map(({ status }) => status))].sort(), ['fulfilled', 'rejected']);
});
