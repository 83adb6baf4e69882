import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../../base/eventually.ts';
import { silent } from '../../base/log.ts';
import { createMemoryBackend } from '../../store/memory-backend.ts';
import { createCompactor } from './compactor.ts';

const waitFor = (condition: () => boolean): Promise<void> => eventually('the condition', () => assert.ok(condition()));

it('forgets what is old or too much, and leaves a quiet store alone', async () => {
  const backend = createMemoryBackend();
  await backend.start();
  const write = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await backend.write({ key: '/a', value: Buffer.from('x') });
  };
  let aged = 0;
  const onAged = (revision: number): void => {
    aged = revision;
  };
  const options = { backend, log: silent, keepMs: 100, keepRevisions: 3_000, everyMs: 10, onAged };
  const compactor = createCompactor(options);
  compactor.start();
  await write(500);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(backend.compactedRevision(), 0);
  assert.equal(aged, await backend.currentRevision());
  await write(1_000);
  const then = await backend.currentRevision();
  await waitFor(() => backend.compactedRevision() > 0);
  assert.ok(backend.compactedRevision() <= then);
  await write(5_000);
  await waitFor(() => backend.compactedRevision() >= 3_500);
  await compactor.stop();
  await backend.stop();
});
