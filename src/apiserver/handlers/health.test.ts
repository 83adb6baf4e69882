import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './call.ts';
import { createHealth } from './health.ts';

function health() {
  const made = createHealth();
  made.add('good', async () => {}, { live: true });
  made.add('bad', async () => {
    throw new Error('a secret');
  });
  return made;
}

async function ask(url: string): Promise<[number, string] | undefined> {
  const [path = '', query = ''] = url.split('?');
  const call = { info: { path }, query: new URLSearchParams(query) } as unknown as Call;
  const answer = await health().answer(call);
  return answer?.kind === 'bytes' ? [answer.status, String(answer.body)] : undefined;
}

test('all together tell what fails, one by itself tells why', async () => {
  assert.deepStrictEqual(await ask('/livez'), [200, 'ok']);
  assert.deepStrictEqual(await ask('/readyz'), [
    500,
    '[+]good ok\n[-]bad failed: reason withheld\nreadyz check failed\n',
  ]);
  assert.deepStrictEqual(await ask('/readyz/bad'), [500, 'internal server error: a secret\n']);
  assert.deepStrictEqual(await ask('/readyz/good'), [200, 'ok']);
});

test('checks are left out by name', async () => {
  assert.deepStrictEqual(await ask('/readyz?exclude=bad'), [200, 'ok']);
  assert.deepStrictEqual(await ask('/livez?verbose&exclude=z&exclude=a'), [
    200,
    '[+]good ok\nwarn: some health checks cannot be excluded: no matches for "a","z"\nlivez check passed\n',
  ]);
});

test('only what is there is answered', async () => {
  assert.equal(await ask('/livez/bad'), undefined);
  assert.equal(await ask('/healthz/'), undefined);
});

test('how checks stand can be measured', async () =>
  assert.match(
    await health().metrics(),
    /\{name="good",type="livez"\} 1\n[\s\S]*\{name="good",type="readyz"\} 1\n[\s\S]*\{name="bad",type="readyz"\} 0\n/,
  ));
