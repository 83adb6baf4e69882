import { chmod, copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { run } from '../../src/base/run.ts';
import { writeCpio } from '../cpio.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, clone } from '../tools/paths.ts';

/** Modules that find and mount a root, wherever it is; what they need comes with them. */
const modules = [
  'erofs',
  'overlay',
  'ext4',
  'dm-verity',
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
  'virtio_scsi',
  'sd_mod',
  'ahci',
  'nvme',
  'hv_storvsc',
  'xen-blkfront',
  'vmw_pvscsi',
  'mptspi',
];

const applets = 'sh cat chroot grep ls mkdir modprobe mount mv readlink reboot sed sleep switch_root sync tr wc'.split(
  ' ',
);

/** The files of `names` and of what they need, by modules.dep; names that are built into the kernel are left out. */
export function moduleFiles(modulesDep: string, builtin: string, names: readonly string[]): string[] {
  const plain = (path: string): string =>
    basename(path)
      .replace(/\.ko(\.\w+)?$/, '')
      .replaceAll('-', '_');
  const needs = new Map<string, string[]>();
  const pathOf = new Map<string, string>();
  for (const line of modulesDep.split('\n')) {
    const [path, rest = ''] = line.split(':');
    if (!path) continue;
    pathOf.set(plain(path), path);
    needs.set(
      path,
      rest.split(' ').filter((word) => word !== ''),
    );
  }
  const inside = new Set(builtin.split('\n').map(plain));
  const found = new Set<string>();
  const add = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const need of needs.get(path) ?? []) add(need);
  };
  for (const name of names) {
    const path = pathOf.get(plain(name));
    if (path !== undefined) add(path);
    else if (!inside.has(plain(name)) && name === 'erofs')
      throw new KnarrError({ code: 'no-module', blame: 'bug', message: `the kernel has no module ${name}` });
  }
  return [...found].sort();
}

/** The first file system of a boot: a static busybox, the modules for the root, `images/initrd/init`. */
export function initrdStage(options: { arch: Arch; base: string; busybox: string }): Stage {
  const { arch, base, busybox } = options;
  const init = join(clone, 'images/initrd/init');
  return {
    name: `initrd-${arch}`,
    source: import.meta.filename,
    inputs: [basename(base), basename(busybox), modules, applets],
    files: [init],
    async make(into) {
      const root = join(into, 'root');
      for (const folder of ['bin', 'dev', 'proc', 'sys', 'run', 'sysroot', 'etc'])
        await mkdir(join(root, folder), { recursive: true });
      const from = join(into, 'busybox');
      await mkdir(from);
      await run('dpkg-deb', ['-x', busybox, from]);
      await copyFile(join(from, 'usr/bin/busybox'), join(root, 'bin/busybox'));
      for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
      await symlink('bin', join(root, 'sbin'));
      await copyFile(init, join(root, 'init'));
      await chmod(join(root, 'init'), 0o755);
      const [version = ''] = await readdir(join(base, 'root/usr/lib/modules'));
      const source = join(base, 'root/usr/lib/modules', version);
      const target = join(root, 'lib/modules', version);
      const read = (name: string): Promise<string> => readFile(join(source, name), 'utf8');
      for (const path of moduleFiles(await read('modules.dep'), await read('modules.builtin'), modules)) {
        await mkdir(dirname(join(target, path)), { recursive: true });
        await copyFile(join(source, path), join(target, path));
        if (path.endsWith('.xz')) await runInTools('xz', ['-d', join(target, path)]);
      }
      for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
        await copyFile(join(source, name), join(target, name)).catch(() => {});
      await writeFile(join(root, 'etc/mtab'), '');
      await runInTools('depmod', ['-b', root, version]);
      await writeFile(join(into, 'initrd.cpio'), await writeCpio(root));
      await runInTools('zstd', ['-q', '-19', '--rm', join(into, 'initrd.cpio'), '-o', join(into, 'initrd')]);
      await run('rm', ['-rf', root, from]);
    },
  };
}
