import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { type Partition, readPartitions } from '../../os/disk/gpt.ts';
import { install, installPhases } from '../../os/install/phases.ts';
import { run } from '../../src/base/run.ts';
import { testFolder } from '../harness/folder.ts';
import {
  emptyDisk,
  type FakeUpdate,
  fakeUpdate,
  folderHost,
  installation,
  readAt,
  skip,
  withMounted,
} from './fake-machine.ts';

let folder: string;
let host: Host;
let update: FakeUpdate;

before(async () => {
  folder = await testFolder('install');
  host = folderHost(folder);
  update = await fakeUpdate(host, '1.0');
});
after(() => rm(folder, { recursive: true, force: true }));

const partitionsOf = async (disk: string): Promise<readonly Partition[]> =>
  (await readPartitions(host.path(disk))).partitions;

function labelled(partitions: readonly Partition[], label: string): Partition {
  const found = partitions.find((partition) => partition.label === label);
  assert.ok(found, `a partition ${label}`);
  return found;
}

test('an empty disk gets boot loader, slot, a second slot and /var with the configuration', { skip }, async () => {
  const disk = await emptyDisk(host, 'empty.img');
  await install(await installation(host, update, disk, { tty: 'ttyS1' }));
  const partitions = await partitionsOf(disk);
  assert.deepStrictEqual(
    partitions.map(({ number, label }) => [number, label]),
    [
      [1, 'esp'],
      [2, 'knarr_1.0'],
      [3, '_empty'],
      [4, 'var'],
    ],
  );
  const slot = labelled(partitions, 'knarr_1.0');
  assert.equal(slot.uuid, update.manifest.partition);
  assert.ok((await readAt(host.path(disk), slot.start, update.root.length)).equals(update.root));
  await withMounted(host, disk, labelled(partitions, 'esp'), { type: 'vfat' }, async (esp) => {
    assert.ok((await readFile(join(esp, 'EFI/Linux/knarr_1.0.efi'))).equals(update.uki));
    assert.equal(await readFile(join(esp, 'EFI/BOOT/BOOTX64.EFI'), 'utf8'), 'the boot loader');
    assert.equal(JSON.parse(await readFile(join(esp, 'knarr/1.0/manifest.json'), 'utf8')).version, '1.0');
  });
  await withMounted(host, disk, labelled(partitions, 'var'), { type: 'ext4' }, async (kept) => {
    const config = join(kept, 'lib/rancher/k3os/config.yaml');
    assert.equal(await readFile(config, 'utf8'), '#cloud-config\nhostname: installed\n');
    assert.equal((await stat(config)).mode & 0o777, 0o600);
    assert.match(await readFile(join(kept, 'lib/rancher/k3os/config.d/10-console.yaml'), 'utf8'), /tty: ttyS1/);
  });
  assert.equal(existsSync(host.path('/var/tmp/knarr-install')), false);
});

test('a disk that is too small, or not empty, is refused and left as it was', { skip }, async () => {
  const small = await emptyDisk(host, 'small.img', 2 ** 30);
  await assert.rejects(install(await installation(host, update, small)), /too small: it has 1 GiB, at least 1\.7 GiB/);
  const used = await emptyDisk(host, 'used.img');
  await runInTools('mkfs.ext4', ['-q', '-F', host.path(used)]);
  const before = await readAt(host.path(used), 0, 1 << 20);
  await assert.rejects(install(await installation(host, update, used)), /is not empty \(ext4\): --force replaces/);
  assert.ok((await readAt(host.path(used), 0, 1 << 20)).equals(before));
});

test('what is not as it was signed is refused before the disk is looked at', { skip }, async () => {
  const bad = await fakeUpdate(host, '6.6');
  const disk = await emptyDisk(host, 'unsigned.img');
  await assert.rejects(
    install({ ...(await installation(host, bad, disk)), keyFolders: [update.keys] }),
    /not signed with any of the 1 keys/,
  );
  await appendFile(join(bad.folder, 'root.img'), 'x');
  await truncate(join(bad.folder, 'root.img'), bad.root.length - 1);
  await assert.rejects(install(await installation(host, bad, disk)), /is not the update's root\.img/);
  await assert.rejects(readPartitions(host.path(disk)), { code: 'no-partition-table' });
});

test('what the disk does not give back as it was written is taken away again', { skip }, async () => {
  const disk = await emptyDisk(host, 'bad.img');
  const damaged = async (more: { keepVar?: boolean } = {}) =>
    install(await installation(host, update, disk, more), async (phase, moment) => {
      if (phase !== 'write' || moment !== 'end') return;
      const slot = labelled(await partitionsOf(disk), 'knarr_1.0');
      await run('dd', [
        ...['if=/dev/urandom', `of=${host.path(disk)}`, 'bs=512', 'count=1', 'conv=notrunc'],
        `seek=${slot.start / 512 + 100}`,
      ]);
    });
  await assert.rejects(damaged(), /is not the update's root\.img/);
  await assert.rejects(readPartitions(host.path(disk)), { code: 'no-partition-table' });
  await install(await installation(host, update, disk));
  await assert.rejects(damaged({ keepVar: true }), /is not the update's root\.img/);
  assert.deepStrictEqual(
    (await partitionsOf(disk)).map(({ label }) => label),
    ['var'],
  );
});

test('stopped at any phase, the disk holds the old or nothing or the new, and a second run finishes', {
  skip,
}, async (t) => {
  const state = async (disk: string): Promise<string> =>
    partitionsOf(disk).then(
      (partitions) => partitions.find(({ label }) => label.startsWith('knarr_'))?.label ?? 'other',
      () => 'nothing',
    );
  const newer = await fakeUpdate(host, '2.0');
  const disk = await emptyDisk(host, 'cut.img');
  const expected: Record<string, string> = { clear: 'nothing', write: 'knarr_2.0', verify: 'knarr_2.0' };
  let holds = 'knarr_1.0';
  for (const { name } of installPhases)
    for (const moment of ['begin', 'end'] as const)
      await t.test(`${name} ${moment}`, async () => {
        await install(await installation(host, update, disk, { force: true }));
        const cut = install(await installation(host, newer, disk, { force: true }), async (phase, now) => {
          if (phase === name && now === moment) throw new Error('the power is cut');
        });
        await assert.rejects(cut, /the power is cut/);
        if (moment === 'end') holds = expected[name] ?? holds;
        const now = await state(disk);
        assert.equal(now, holds);
        await install(await installation(host, newer, disk, { force: true }));
        assert.equal(await state(disk), 'knarr_2.0');
      });
});

test('/var of an earlier installation is kept when it is asked for', { skip }, async () => {
  const disk = await emptyDisk(host, 'keep.img');
  await install(await installation(host, update, disk));
  const kept = labelled(await partitionsOf(disk), 'var');
  await withMounted(host, disk, kept, { type: 'ext4', write: true }, (into) => writeFile(join(into, 'data'), 'kept'));
  const newer = await fakeUpdate(host, '3.0');
  await install(await installation(host, newer, disk, { keepVar: true }));
  const partitions = await partitionsOf(disk);
  assert.deepStrictEqual(labelled(partitions, 'var'), kept);
  labelled(partitions, 'knarr_3.0');
  await withMounted(host, disk, kept, { type: 'ext4' }, async (into) =>
    assert.equal(await readFile(join(into, 'data'), 'utf8'), 'kept'),
  );
});
