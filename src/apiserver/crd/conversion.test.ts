import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../registry/types.ts';
import { createConverter } from './conversion.ts';

const to = { group: 'g', version: 'v2', kind: 'K' };
const object = (name: string): Draft =>
  ({ apiVersion: 'g/v1', kind: 'K', metadata: { name, uid: name, generation: 3, labels: { a: 'b' } } }) as Draft;
const convert = (from: Draft): Draft => ({ ...from, apiVersion: 'g/v2', done: true });

test('what is asked for at the same time goes to the webhook at once', async () => {
  const sizes: number[] = [];
  const converter = createConverter('K', async (objects) => {
    sizes.push(objects.length);
    return objects.map(convert);
  });
  const answers = await Promise.all(Array.from({ length: 501 }, (_, i) => converter(object(`o${i}`), to)));
  assert.deepStrictEqual([sizes, answers[500]?.metadata.name, answers[500]?.done], [[500, 1], 'o500', true]);
  const same = convert(object('x'));
  assert.equal(converter(same, to), same);
});

test('a webhook may change labels and annotations, and nothing else of the metadata', async () => {
  const metadata = { name: 'a', uid: 'a', generation: 9, labels: { c: 'd' }, finalizers: ['x'] };
  const converter = createConverter('K', async ([first]) => [{ ...convert(first as Draft), metadata }]);
  const { metadata: got } = await converter(object('a'), to);
  assert.deepStrictEqual(got, { name: 'a', uid: 'a', generation: 3, labels: { c: 'd' } });
});

test('an answer that is not what was asked for is refused, for the one that it is about', async () => {
  const converter = createConverter('K', async (objects) =>
    objects.map((from) => (from.metadata.name === 'bad' ? { ...convert(from), kind: 'L' } : convert(from))),
  );
  const [good, bad] = await Promise.allSettled([converter(object('good'), to), converter(object('bad'), to)]);
  assert.equal(good.status, 'fulfilled');
  assert.match(
    String((bad as PromiseRejectedResult).reason.message),
    /conversion webhook for K returned invalid converted object at index 1: invalid kind \(expected K, received L\)/,
  );
  const short = createConverter('K', async () => []);
  await assert.rejects(async () => short(object('a'), to), /conversion webhook for K failed: 0 objects, expected 1/);
});
