import assert from 'node:assert/strict';
import { copyFile, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { changePartitions, guidBytes, guidText, type Partition, readPartitions } from './gpt.ts';
import { partitionedDisk } from './testing.ts';

const size = 8 << 20;
const linux = '4f68bce3-e8cd-4db1-96e7-fbcaf984b709';
let folder: string;
let disk: string;

/** A disk of three partitions. */
const makeDisk = (): Buffer =>
  partitionedDisk(
    size,
    (
      [
        ['c12a7328-f81f-11d2-ba4b-00a0c93ec93b', 2048n, 4095n, 'esp'],
        [linux, 4096n, 8191n, 'knarr_1'],
        [linux, 8192n, 12287n, '_empty'],
      ] as const
    ).map(([type, first, last, label], at) => ({
      ...{ type, first, last, label },
      uuid: `aaaaaaaa-0000-0000-0000-00000000000${at + 1}`,
    })),
  );

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knarr-gpt-'));
  disk = join(folder, 'disk.raw');
  await writeFile(disk, makeDisk());
});
after(() => rm(folder, { recursive: true }));

const brief = (partitions: readonly Partition[]): string[] =>
  partitions.map(({ number, label, uuid }) => `${number} ${label} ${uuid.slice(-1)}`);
const change = new Map([[3, { label: 'knarr_1.36.4~rc.1', uuid: 'bbbbbbbb-1234-5678-9abc-def012345679' }]]);
const old = ['1 esp 1', '2 knarr_1 2', '3 _empty 3'];
const renewed = ['1 esp 1', '2 knarr_1 2', '3 knarr_1.36.4~rc.1 9'];

test('a GUID is read as it was written', () => {
  const text = '4f68bce3-e8cd-4db1-96e7-fbcaf984b709';
  assert.equal(guidBytes(text).toString('hex'), 'e3bc684fcde8b14d96e7fbcaf984b709');
  assert.equal(guidText(guidBytes(text)), text);
});

test('a table is read and changed', async () => {
  const path = join(folder, 'a.raw');
  await copyFile(disk, path);
  const table = await readPartitions(path);
  assert.deepStrictEqual(brief(table.partitions), old);
  assert.deepStrictEqual(table.partitions[1], {
    number: 2,
    type: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
    uuid: 'aaaaaaaa-0000-0000-0000-000000000002',
    label: 'knarr_1',
    start: 2 << 20,
    size: 2 << 20,
  });
  await changePartitions(path, change);
  assert.deepStrictEqual(brief((await readPartitions(path)).partitions), renewed);
});

test('a power cut at any write leaves the old table or the new one, and the change can be made again', async () => {
  const seen = new Set<string>();
  for (let cutAt = 0; cutAt < 5; cutAt++)
    for (const torn of [false, true]) {
      const path = join(folder, 'cut.raw');
      await copyFile(disk, path);
      let writes = 0;
      const cut = changePartitions(path, change, (write) => async (bytes, offset) => {
        if (writes++ < cutAt) return write(bytes, offset);
        if (torn) await write(Buffer.from(bytes.subarray(0, 60)), offset);
        throw new Error('power cut');
      });
      if (cutAt < 4) await assert.rejects(cut, /power cut/);
      else await cut;
      const { partitions, whole } = await readPartitions(path);
      const now = brief(partitions).join();
      assert.ok([old.join(), renewed.join()].includes(now), now);
      assert.ok(whole.primary || whole.backup);
      seen.add(`${now === renewed.join()} ${whole.primary} ${whole.backup}`);
      await changePartitions(path, change);
      assert.deepStrictEqual(await readPartitions(path), {
        partitions: (await readPartitions(path)).partitions,
        whole: { primary: true, backup: true },
      });
      assert.deepStrictEqual(brief((await readPartitions(path)).partitions), renewed);
    }
  assert.ok(seen.has('false true false') && seen.has('true false true'), [...seen].join('; '));
});

test('a disk without a table is refused', async () => {
  const path = join(folder, 'empty.raw');
  await (await open(path, 'w')).close();
  await truncate(path, 1 << 20);
  await assert.rejects(readPartitions(path), { code: 'no-partition-table' });
});
