import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderRooms, roomsOf } from './report.ts';

test('every file counts for its part, and small parts are one line', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-report-'));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'usr'));
  await writeFile(join(root, 'usr/a'), Buffer.alloc(3_000_000, 'a'));
  await writeFile(join(root, 'usr/b'), 'b');
  await writeFile(join(root, 'usr/c'), 'c');
  const rooms = await roomsOf(root, (path) => (path === 'usr/a' ? 'large' : path));
  assert.deepStrictEqual(
    rooms.map(({ part, size }) => [part, size]),
    [
      ['large', 3_000_000],
      ['usr/b', 1],
      ['usr/c', 1],
    ],
  );
  const text = renderRooms('A root:', rooms, 100);
  assert.match(text, / {2}large\n.* {2}2 smaller ones\n.* {2}in all\n$/);
});
