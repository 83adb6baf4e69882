import assert from 'node:assert/strict';
import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { direct } from '../../images/tools/chroot.ts';
import { build } from '../../images/tools/paths.ts';
import { readPartitions } from '../../os/disk/gpt.ts';
import { run } from '../../src/base/run.ts';
import { mtool } from '../harness/esp.ts';
import { testImage, testMachine, untilConsole } from '../harness/vm.ts';

async function flipByte(disk: string, at: number): Promise<void> {
  const file = await open(disk, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = ~(byte[0] ?? 0) & 0xff;
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}

test('a slot with one wrong byte does not boot: the machine restarts, and the boot loader counts its tries', async () => {
  const image = await testImage();
  const folder = join(build, 'test', `verity-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const disk = join(folder, 'disk.raw');
  await copyFile(image.disk, disk);
  const { partitions } = await readPartitions(disk);
  const label = `knarr_${image.version}`;
  const [esp, slot] = [partitions[0], partitions.find((partition) => partition.label === label)];
  assert.ok(esp !== undefined && slot !== undefined);
  await mtool('mren', disk, esp.start, `::EFI/Linux/${label}.efi`, `${label}+3-0.efi`);
  // in the superblock of the root's file system, so that mounting it must read it
  await flipByte(disk, slot.start + 1100);
  const machine = await testMachine({ name: 'verity', image: { ...image, disk }, firmware: true });
  try {
    await machine.start();
    await untilConsole(machine, /verity: .* is corrupted/);
    await untilConsole(machine, /is corrupted.*starting Boot.*is corrupted/s);
    await machine.powerCut();
    const flat = join(folder, 'flat.raw');
    const tool = direct('usr/bin/qemu-img');
    await run(tool.program, [...tool.args, 'convert', '-O', 'raw', join(machine.folder, 'disk.qcow2'), flat]);
    assert.match(await mtool('mdir', flat, esp.start, '-b', '::EFI/Linux'), /knarr_[^+]*\+1-2\.efi/);
  } finally {
    await machine.remove();
    await rm(folder, { recursive: true, force: true });
  }
});
