import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { run } from '../src/base/run.ts';
import { createProcessLock } from './process-lock.ts';

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-lock-'));
  try {
    await work(join(folder, 'run/a.lock'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('one has it at a time; who waits gets it next', () =>
  inFolder(async (path) => {
    const release = await createProcessLock(path, 'a thing');
    await assert.rejects(createProcessLock(path, 'a thing'), { code: 'busy', message: 'a thing is under way already' });
    const next = createProcessLock(path, 'a thing', 600);
    await release();
    await (await next)();
  }));

test('of many that ask at once one gets it', () =>
  inFolder(async (path) => {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => createProcessLock(path, 'a thing')));
    const got = asked.filter((one) => one.status === 'fulfilled');
    assert.equal(got.length, 1);
    await got[0]?.value();
  }));

test('who is killed has it no longer', () =>
  inFolder(async (path) => {
    const program = `const { createProcessLock } = await import(${JSON.stringify(join(import.meta.dirname, 'process-lock.ts'))});
      await createProcessLock(${JSON.stringify(path)}, 'a thing');
      process.kill(process.pid, 'SIGKILL');`;
    await assert.rejects(run(process.execPath, ['--input-type=module', '--eval', program]), /SIGKILL/);
    await (await createProcessLock(path, 'a thing', 600))();
  }));

test('what cannot be locked is told', () =>
  inFolder(async (path) => {
    await mkdir(dirname(path));
    await symlink('/no/such/folder', path);
    await assert.rejects(createProcessLock(path, 'a thing'), { code: 'lock', message: /a\.lock cannot be locked: ./ });
  }));
