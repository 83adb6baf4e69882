import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { withLock } from './build-lock.ts';

async function lockFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-build-lock-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'locks/a');
}
const silent = (): void => {};

test('of two that want the same the second waits, and says for whom', async (t) => {
  const path = await lockFile(t);
  const done: string[] = [];
  const waits = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  const first = withLock(path, silent, async () => {
    withLock(path, waits.resolve, async () => void done.push('second')).then(second.resolve, second.reject);
    assert.equal(await waits.promise, `waits for another build (process ${process.pid}, ${path})`);
    done.push('first');
    return 'its result';
  });
  assert.equal(await first, 'its result');
  await second.promise;
  assert.deepStrictEqual(done, ['first', 'second']);
});

test('what fails gives the lock back, and so does a process that is killed', async (t) => {
  const path = await lockFile(t);
  await assert.rejects(
    withLock(path, silent, async () => {
      throw new Error('no');
    }),
    /^Error: no$/,
  );
  const program = `import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'build-lock.ts'))};
await withLock(${JSON.stringify(path)}, () => {}, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000); }));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  assert.equal(await withLock(path, silent, async () => 'mine'), 'mine');
});
