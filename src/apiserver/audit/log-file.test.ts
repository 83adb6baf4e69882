import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createLogger } from '../../base/log.ts';
import { createLogFile } from './log-file.ts';

test('a file that would grow too large is rotated, and the oldest ones go', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-audit-log-'));
  try {
    const path = join(folder, 'logs', 'audit.log');
    const log = createLogger({ part: 'test', level: 'error' });
    const file = createLogFile({ path, maxAgeDays: 0, maxBackups: 2, maxSizeMegabytes: 1, log });
    for (const letter of ['a', 'b', 'c', 'd', 'e']) {
      file.write(`${letter.repeat(700_000)}\n`);
      await file.flush();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const names = (await readdir(join(folder, 'logs'))).sort();
    assert.deepEqual(
      names.map((name) => name.replace(/\d/g, '0')),
      ['audit-0000-00-00T00-00-00.000.log', 'audit-0000-00-00T00-00-00.000.log', 'audit.log'],
    );
    const first = await Promise.all(names.map(async (name) => (await readFile(join(folder, 'logs', name), 'utf8'))[0]));
    assert.deepEqual(first, ['c', 'd', 'e']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('what was rotated is packed where that is asked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-audit-log-'));
  try {
    const path = join(folder, 'audit.log');
    const log = createLogger({ part: 'test', level: 'error' });
    const file = createLogFile({ path, maxAgeDays: 0, maxBackups: 0, maxSizeMegabytes: 1, compress: true, log });
    for (const letter of ['a', 'b']) {
      file.write(`${letter.repeat(700_000)}\n`);
      await file.flush();
    }
    const [packed = '', ...others] = (await readdir(folder)).sort();
    assert.deepEqual(others, ['audit.log']);
    assert.match(packed, /^audit-.*\.log\.gz$/);
    assert.equal(gunzipSync(await readFile(join(folder, packed))).toString(), `${'a'.repeat(700_000)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
