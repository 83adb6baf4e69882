import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceStore } from '../registry/types.ts';
import type { Call } from './call.ts';
import { componentStatuses } from './component-status.ts';

const handlers = componentStatuses([
  { name: 'good', check: async () => {} },
  {
    name: 'bad',
    check: async () => {
      throw new Error('no answer');
    },
  },
]).get('/componentstatuses/');

async function list(query: string, name = ''): Promise<unknown> {
  const call = { query: new URLSearchParams(query), info: { name } } as unknown as Call;
  const answer = await handlers?.list?.(call, {} as ResourceStore);
  assert.equal(answer?.kind, 'object');
  return (answer.object as { items: { metadata: { name: string }; conditions: { status: string }[] }[] }).items.map(
    ({ metadata, conditions }) => `${metadata.name} ${conditions[0]?.status}`,
  );
}

test('components are listed with what a check says, as far as selectors choose them', async () => {
  assert.deepStrictEqual(await list(''), ['good True', 'bad False']);
  assert.deepStrictEqual(await list('', 'bad'), ['bad False']);
  assert.deepStrictEqual(await list('labelSelector=a%3Db'), []);
});
