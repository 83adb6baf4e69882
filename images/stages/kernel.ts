import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { writeCpio } from '../cpio.ts';
import type { Fetched } from '../lock.ts';
import { excluded, type Flavour, unwantedModules } from '../packages.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';
import { unpack } from '../unpack.ts';

/** Modules that every node loads; they are stored plain, for a small machine takes long to undo Debian's xz. */
const everyNodesModules = [
  'net/802',
  'net/bridge',
  'net/core',
  'net/ipv4',
  'net/ipv6',
  'net/llc',
  'net/netfilter',
  'lib',
  'crypto',
  'fs/overlayfs',
  'drivers/md/dm-mod.ko.xz',
  'drivers/md/dm-verity.ko.xz',
  'drivers/net/vxlan',
  'drivers/net/veth.ko.xz',
  'drivers/virtio',
];

async function unpackModules(folder: string): Promise<void> {
  for (const part of everyNodesModules) {
    const names = part.endsWith('.xz') ? [''] : await readdir(join(folder, part), { recursive: true }).catch(() => []);
    const packed = names
      .map((name) => join(folder, part, name))
      .filter((path) => path.replace(/\/$/, '').endsWith('.ko.xz'));
    if (packed.length > 0) await runInTools('xz', ['-d', ...packed]);
  }
}

const microcode = { 'intel-ucode': 'GenuineIntel.bin', 'amd-ucode': 'AuthenticAMD.bin' } as const;

/**
 * Takes the processors' microcode out of the firmware into the archive that the kernel looks for at the very beginning
 * of an initrd (Documentation/arch/x86/microcode.rst): `microcode.cpio`.
 */
async function takeMicrocode(firmware: string, into: string): Promise<void> {
  const root = join(into, 'microcode');
  const target = join(root, 'kernel/x86/microcode');
  await mkdir(target, { recursive: true });
  for (const [folder, name] of Object.entries(microcode)) {
    const from = join(firmware, folder);
    const names = (await readdir(from).catch(() => [])).sort();
    if (names.length === 0) continue;
    const parts = names.filter((part) => !/\.(asc|initramfs)$/.test(part)).map((part) => readFile(join(from, part)));
    await writeFile(join(target, name), Buffer.concat(await Promise.all(parts)));
    await rm(from, { recursive: true });
  }
  if ((await readdir(target)).length > 0) await writeFile(join(into, 'microcode.cpio'), await writeCpio(root));
  await rm(root, { recursive: true });
}

/** Boards' device trees come from the firmware, or lie beside the boot loader: `device-trees/<vendor>`. */
async function takeDeviceTrees(root: string, into: string): Promise<void> {
  for (const name of await readdir(join(root, 'usr/lib')))
    if (name.startsWith('linux-image-')) await rename(join(root, 'usr/lib', name), join(into, 'device-trees'));
}

/**
 * A flavour's kernel: `kernel`, its modules and what firmware they load in `root/`, and, where the processors of the
 * architecture take some, `microcode.cpio`.
 */
export function kernelStage(options: { arch: Arch; flavour: Flavour; fetched: Fetched }): Stage {
  const { arch, flavour, fetched } = options;
  return {
    name: `kernel-${flavour}-${arch}`,
    source: import.meta.filename,
    inputs: [arch, excluded, unwantedModules, fetched.packages.map((p) => p.sha256)],
    async make(into, say) {
      const root = join(into, 'root');
      // as base-files has them, so that packages unpack into the same places
      await mkdir(join(root, 'usr/lib'), { recursive: true });
      await mkdir(join(root, 'usr/sbin'), { recursive: true });
      for (const name of ['lib', 'sbin']) await symlink(`usr/${name}`, join(root, name));
      for (const file of fetched.files) await unpack(file, root);
      const kernel = (await readdir(join(root, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
      if (kernel === undefined)
        throw new KnarrError({ code: 'no-kernel', blame: 'bug', message: `flavour ${flavour} brings no kernel` });
      await rename(join(root, 'boot', kernel), join(into, 'kernel'));
      await takeDeviceTrees(root, into);
      await takeMicrocode(join(root, 'usr/lib/firmware'), into);
      say('modules');
      for (const version of await readdir(join(root, 'usr/lib/modules'))) {
        const folder = join(root, 'usr/lib/modules', version, 'kernel');
        const patterns = unwantedModules.map((path) => `${folder}/${path}`);
        await run('sh', ['-c', `rm -rf ${patterns.join(' ')}`]);
        await unpackModules(folder);
        await runInTools('depmod', ['-b', root, version]);
      }
      for (const name of ['boot', 'lib', 'sbin', 'usr/sbin']) await rm(join(root, name), { recursive: true });
    },
  };
}
