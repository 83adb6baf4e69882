import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/run.ts';
import { direct } from '../tools/chroot.ts';
import { build, hostArch } from '../tools/paths.ts';

export type Accelerator = 'kvm' | 'tcg';

/** A boot sector that writes 0x10 to port 0xf4, where QEMU's isa-debug-exit makes it exit code 33 of QEMU, and halts. */
function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  Buffer.from([0xba, 0xf4, 0x00, 0xb0, 0x10, 0xee, 0xf4]).copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** KVM only where it really runs a machine: /dev/kvm may be there and yet be of no use. */
export async function findAccelerator(): Promise<Accelerator> {
  if (hostArch !== 'amd64') return 'tcg';
  const sector = join(build, `kvm-probe-${process.pid}.img`);
  await writeFile(sector, bootSector());
  const qemu = direct('usr/bin/qemu-system-x86_64');
  const args = [
    ...['-accel', 'kvm', '-cpu', 'host', '-m', '16', '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-L', qemu.tree('usr/share/qemu'), '-L', qemu.tree('usr/share/seabios')],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1', '-drive', `file=${sector},format=raw,if=ide,readonly=on`],
  ];
  try {
    await run(qemu.program, [...qemu.args, ...args], {
      env: { ...process.env, ...qemu.env },
      timeoutMs: 5000,
      okCodes: [33],
    });
    return 'kvm';
  } catch {
    return 'tcg';
  } finally {
    await rm(sector, { force: true });
  }
}
