import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { untilOnline } from './online.ts';

test('the daemon waits for the word that the network is up, and not for ever', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-online-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'online');
  let over = false;
  const waiting = untilOnline(file, 60_000).then(() => (over = true));
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(over, false);
  await writeFile(file, '');
  await waiting;
  await untilOnline(join(folder, 'never'), 100);
});
