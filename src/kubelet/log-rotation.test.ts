import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rotateLog } from './log-rotation.ts';

test('a log past its size is rotated, older ones are compressed, the oldest go', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-rotate-'));
  const path = join(folder, '0.log');
  const reopened: string[] = [];
  const runtime = {
    async reopenLog(id: string) {
      reopened.push(id);
      await writeFile(path, '');
    },
  };
  const rotate = (second: number) =>
    rotateLog({
      runtime,
      containerId: 'c',
      path,
      maxBytes: 10,
      maxFiles: 3,
      now: new Date(Date.UTC(2026, 0, 1, 0, 0, second)),
    });
  try {
    await writeFile(path, 'short');
    assert.equal(await rotate(0), false);
    for (const second of [1, 2, 3]) {
      await writeFile(path, 'a line that is long enough');
      assert.equal(await rotate(second), true);
    }
    assert.deepStrictEqual((await readdir(folder)).sort(), [
      '0.log',
      '0.log.20260101-000002.gz',
      '0.log.20260101-000003',
    ]);
    assert.equal(reopened.length, 3);
  } finally {
    await rm(folder, { recursive: true });
  }
});
