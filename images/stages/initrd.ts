import { chmod, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { writeCpio } from '../cpio.ts';
import { dependencies } from '../elf.ts';
import { initrdModules, moduleFiles, networkModules } from '../initrd-modules.ts';
import type { Flavour } from '../packages.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, clone } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';

const applets = [
  ...'cat chroot dd echo grep head ip ls losetup mkdir modprobe mount mv printf readlink reboot sed sh sleep'.split(
    ' ',
  ),
  ...'switch_root sync tr udhcpc umount wc wget'.split(' '),
];

/** Copies a program of some trees into `root`, with the libraries that it needs. */
async function copyProgram(trees: readonly string[], program: string, root: string): Promise<void> {
  const read = async (path: string): Promise<Buffer | undefined> => {
    for (const tree of trees) {
      const found = await readFile(join(tree, path)).catch(() => undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const librariesOf = async (path: string, done: Set<string>): Promise<void> => {
    if (done.has(path)) return;
    done.add(path);
    const content = await read(path);
    if (content === undefined)
      throw new KnarrError({ code: 'no-library', blame: 'bug', message: `no package of the initrd brings ${path}` });
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content, { mode: 0o755 });
    const { libraries, loader } = dependencies(content);
    // the loader's own name is a path: its file lies in the merged /usr
    if (loader !== undefined) await librariesOf(`usr${loader}`, done);
    for (const name of libraries.filter((library) => !library.startsWith('ld-linux')))
      for (const folder of librariesFolders)
        if ((await read(join(folder, name))) !== undefined) await librariesOf(join(folder, name), done);
  };
  await librariesOf(program, new Set());
}
const librariesFolders = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu'];

async function copyModules(from: string, into: string, names: readonly string[]): Promise<void> {
  const [version = ''] = await readdir(join(from, 'usr/lib/modules'));
  const source = join(from, 'usr/lib/modules', version);
  const target = join(into, 'usr/lib/modules', version);
  const read = (name: string): Promise<string> => readFile(join(source, name), 'utf8');
  const packed: string[] = [];
  const tables = {
    dep: await read('modules.dep'),
    builtin: await read('modules.builtin'),
    softdep: await read('modules.softdep'),
    alias: await read('modules.alias'),
  };
  for (const path of moduleFiles(tables, names)) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await copyFile(join(source, path), join(target, path));
    if (path.endsWith('.xz')) packed.push(join(target, path));
  }
  if (packed.length > 0) await runInTools('xz', ['-d', ...packed]);
  for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    await copyFile(join(source, name), join(target, name)).catch(() => {});
  await runInTools('depmod', ['-b', into, version]);
}

/**
 * The first file system of a boot: a static busybox, dmsetup, the modules for the root, `images/initrd/`. With `network`
 * it has the drivers of every network card too.
 */
export function initrdStage(options: {
  arch: Arch;
  flavour: Flavour;
  base: string;
  kernel: string;
  /** Files of the packages busybox-static, dmsetup, libdevmapper1.02.1. */
  debs: readonly string[];
  network: boolean;
}): Stage {
  const { arch, flavour, base, kernel, debs, network } = options;
  const files = ['init', 'dhcp', 'find-root'].map((name) => join(clone, 'images/initrd', name));
  const modules = [...initrdModules, ...(network ? networkModules : [])];
  return {
    name: `initrd-${network ? 'network-' : ''}${flavour}-${arch}`,
    source: import.meta.filename,
    inputs: [...[base, kernel, ...debs].map((path) => basename(path)), modules, applets],
    files,
    async make(into) {
      const root = join(into, 'root');
      for (const folder of ['dev', 'proc', 'sys', 'run', 'sysroot', 'medium', 'etc', 'usr/bin', 'usr/lib', 'usr/lib64'])
        await mkdir(join(root, folder), { recursive: true });
      for (const name of ['bin', 'sbin', 'lib', 'lib64'])
        await symlink(name === 'sbin' ? 'usr/bin' : `usr/${name}`, join(root, name));
      await symlink('bin', join(root, 'usr/sbin'));
      const packages = join(into, 'packages');
      await mkdir(packages);
      for (const deb of debs) await run('dpkg-deb', ['-x', deb, packages]);
      await copyFile(join(packages, 'usr/bin/busybox'), join(root, 'bin/busybox'));
      for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
      await copyProgram([packages, join(base, 'root')], 'usr/sbin/dmsetup', root);
      for (const file of files) {
        await copyFile(file, join(root, basename(file)));
        await chmod(join(root, basename(file)), 0o755);
      }
      await copyModules(join(kernel, 'root'), root, modules);
      await writeFile(join(root, 'etc/mtab'), '');
      await writeFile(join(into, 'initrd.cpio'), await writeCpio(root));
      await runInTools('zstd', ['-q', '-19', '--rm', join(into, 'initrd.cpio'), '-o', join(into, 'initrd')]);
      for (const folder of [root, packages]) await rm(folder, { recursive: true });
    },
  };
}
