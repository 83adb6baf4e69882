import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeCpio } from './cpio.ts';

test('the same tree gives the same archive, in the form that the kernel reads', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-cpio-'));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin/a'), 'hello', { mode: 0o755 });
  await symlink('a', join(root, 'bin/b'));
  const archive = await writeCpio(root);
  assert.deepStrictEqual(await writeCpio(root), archive);
  assert.equal(archive.toString('latin1', 0, 6), '070701');
  assert.equal(archive.length % 4, 0);
  assert.match(archive.toString('latin1'), /bin\/a\0+hello\0+070701/);
  assert.match(archive.toString('latin1'), /TRAILER!!!\0+$/);
  const tool = await import('./tools/paths.ts').then((m) => m.nodePrograms.busybox);
  try {
    assert.equal(
      execFileSync(tool, ['cpio', '-t'], { input: archive, stdio: ['pipe', 'pipe', 'ignore'] }).toString(),
      'bin\nbin/a\nbin/b\n',
    );
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error; // the tools are not there yet
  }
});
