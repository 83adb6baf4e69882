import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPartitions } from '../os/disk/gpt.ts';
import { partitionedDisk } from '../os/disk/testing.ts';
import { addHybridMbr } from './hybrid-mbr.ts';

const esp = {
  type: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  uuid: '00000000-0000-0000-0000-000000000001',
  label: 'esp',
};

test('the first partition is in the old table too, beside the entry that says GPT; GPT itself stays as it was', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-mbr-'));
  t.after(() => rm(folder, { recursive: true }));
  const disk = join(folder, 'disk');
  await writeFile(disk, partitionedDisk(1 << 20, [{ ...esp, first: 64n, last: 127n }]));
  const before = await readPartitions(disk);
  await addHybridMbr(disk);
  const table = (await readFile(disk)).subarray(446, 510);
  const entryOf = (at: number): number[] => [
    table[at + 4] ?? 0,
    table.readUInt32LE(at + 8),
    table.readUInt32LE(at + 12),
  ];
  assert.deepStrictEqual([0, 16, 32, 48].map(entryOf), [
    [0x0c, 64, 64],
    [0xee, 1, 63],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  assert.deepStrictEqual(await readPartitions(disk), before);
});
