import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { run } from '../../src/base/run.ts';
import type { DebianPackage } from '../apt.ts';
import { excluded } from '../packages.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, hostArch } from '../tools/paths.ts';

/** What a Debian package unpacks, into `root`, its scripts not run. */
async function unpack(file: string, root: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const from = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const args = ['-x', '-C', root, '--keep-directory-symlink', '--same-permissions', '--numeric-owner', '--wildcards'];
  const to = spawn('tar', [...args, ...excluded.map((pattern) => `--exclude=${pattern}`)], {
    stdio: [from.stdout, 'inherit', 'inherit'],
  });
  from.stdout.destroy(); // tar has it
  let left = 2;
  const ended = (code: number | null): void => {
    if (code !== 0) reject(new KnarrError({ code: 'unpack', blame: 'world', message: `could not unpack ${file}` }));
    else if (--left === 0) resolve();
  };
  for (const child of [from, to]) child.on('error', reject).on('exit', ended);
  return promise;
}

/** Choices that update-alternatives would make: link → program. */
const alternatives: Record<string, string> = {
  'usr/bin/awk': 'mawk',
  'usr/bin/sh': 'bash',
  'usr/bin/pager': 'less',
  'usr/sbin/iptables': 'iptables-nft',
  'usr/sbin/iptables-save': 'iptables-nft-save',
  'usr/sbin/iptables-restore': 'iptables-nft-restore',
  'usr/sbin/ip6tables': 'ip6tables-nft',
  'usr/sbin/ip6tables-save': 'ip6tables-nft-save',
  'usr/sbin/ip6tables-restore': 'ip6tables-nft-restore',
};

/** Busybox's applets for what no package of the image brings. */
const applets = [
  'hostname',
  'vi',
  'ping',
  'wget',
  'nc',
  'traceroute',
  'top',
  'killall',
  'ps',
  'unzip',
  'nslookup',
  'hexdump',
  'tree',
];

async function certificates(root: string): Promise<string> {
  const folder = join(root, 'usr/share/ca-certificates/mozilla');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.crt')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => `${text.trim()}\n`).join('');
}

/** Modules that every node loads; they are stored plain, for a small machine takes long to undo Debian's xz. */
const everyNodesModules = ['net', 'lib', 'crypto', 'fs/overlayfs', 'drivers/net/vxlan', 'drivers/virtio'];

async function unpackModules(folder: string): Promise<void> {
  for (const part of everyNodesModules) {
    const names = await readdir(join(folder, part), { recursive: true }).catch(() => []);
    const packed = names.filter((name) => name.endsWith('.ko.xz')).map((name) => join(folder, part, name));
    if (packed.length > 0) await runInTools('xz', ['-d', ...packed]);
  }
}

/** What the packages' scripts would have done, without running them; `arch` may be another than this machine's. */
async function configure(root: string, arch: Arch): Promise<void> {
  for (const name of ['passwd', 'group'])
    await cp(join(root, `usr/share/base-passwd/${name}.master`), join(root, 'etc', name));
  for (const name of ['var', 'proc', 'sys', 'dev', 'run', 'tmp', 'boot', 'mnt'])
    await mkdir(join(root, name), { recursive: true });
  for (const [path, target] of Object.entries(alternatives))
    await symlink(target, join(root, path)).catch(ignoreExisting);
  for (const name of applets) await symlink('busybox', join(root, 'usr/bin', name)).catch(ignoreExisting);
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true });
  await writeFile(join(root, 'etc/ssl/certs/ca-certificates.crt'), await certificates(root));
  for (const version of await readdir(join(root, 'usr/lib/modules'))) {
    await unpackModules(join(root, 'usr/lib/modules', version, 'kernel'));
    await runInTools('depmod', ['-b', root, version]);
  }
  if (arch === hostArch) await runInTools('ldconfig', ['-r', root]);
}

function ignoreExisting(error: unknown): void {
  if ((error as { code?: string }).code !== 'EEXIST') throw error;
}

/**
 * The Debian part of a root: `root/` (packages unpacked and configured, no users yet) and `kernel` beside it.
 */
export function baseStage(options: {
  arch: Arch;
  packages: readonly DebianPackage[];
  files: readonly string[];
}): Stage {
  const { arch, packages, files } = options;
  return {
    name: `base-${arch}`,
    source: import.meta.filename,
    inputs: [arch, excluded, packages.map((p) => p.sha256)],
    async make(into, say) {
      const root = join(into, 'root');
      await mkdir(root);
      // base-files brings the links of the merged /usr, which the others unpack into
      const ordered = files.toSorted((a, b) => Number(b.includes('/base-files_')) - Number(a.includes('/base-files_')));
      for (const [index, file] of ordered.entries()) {
        say(`${index + 1} of ${files.length} packages`);
        await unpack(file, root);
      }
      const kernel = (await readdir(join(root, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
      if (kernel === undefined)
        throw new KnarrError({ code: 'no-kernel', blame: 'bug', message: 'no package of the image brings a kernel' });
      await rename(join(root, 'boot', kernel), join(into, 'kernel'));
      await rm(join(root, 'boot'), { recursive: true });
      say('configuring');
      await configure(root, arch);
      await run('chmod', ['1777', join(root, 'tmp')]);
    },
  };
}
