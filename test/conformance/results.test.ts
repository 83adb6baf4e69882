import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { failureLog, openResults } from './results.ts';

test('what a run found so far is there after it was ended; a failure keeps its output until the test passes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-results-'));
  t.after(() => rm(folder, { recursive: true }));
  const first = await openResults(folder);
  first.begin(['a', 'b', 'c']);
  first.add({ name: 'a', outcome: 'passed', seconds: 1, failure: '', output: 'fine' });
  first.add({ name: 'b', outcome: 'failed', seconds: 2, failure: 'no', output: 'all of it' });
  await first.saved();

  const second = await openResults(folder);
  assert.deepStrictEqual(
    ['a', 'b', 'c', 'd'].map((name) => second.get(name)?.outcome),
    ['passed', 'failed', 'unfinished', undefined],
  );
  assert.equal(await readFile(failureLog(folder, 'b'), 'utf8'), 'all of it');
  second.add({ name: 'b', outcome: 'passed', seconds: 2, failure: '', output: '' });
  await second.saved();
  await assert.rejects(readFile(failureLog(folder, 'b')), { code: 'ENOENT' });
});
