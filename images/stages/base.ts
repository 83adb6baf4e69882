import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fetched } from '../lock.ts';
import { excluded } from '../packages.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, hostArch } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';
import { unpack } from '../unpack.ts';

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
  if (arch === hostArch) await runInTools('ldconfig', ['-r', root]);
}

function ignoreExisting(error: unknown): void {
  if ((error as { code?: string }).code !== 'EEXIST') throw error;
}

/** The Debian part of a root, without a kernel: `root/`, packages unpacked and configured, no users yet. */
export function baseStage(options: { arch: Arch; fetched: Fetched; extra: Fetched }): Stage {
  const { arch, fetched, extra } = options;
  return {
    name: `base-${arch}`,
    source: import.meta.filename,
    inputs: [arch, excluded, [...fetched.packages, ...extra.packages].map((p) => p.sha256)],
    async make(into, say) {
      const root = join(into, 'root');
      await mkdir(root);
      const files = [...fetched.files, ...extra.files];
      // base-files brings the links of the merged /usr, which the others unpack into
      const ordered = files.toSorted((a, b) => Number(b.includes('/base-files_')) - Number(a.includes('/base-files_')));
      for (const [index, file] of ordered.entries()) {
        say(`${index + 1} of ${files.length} packages`);
        await unpack(file, root);
      }
      await rm(join(root, 'boot'), { recursive: true, force: true });
      say('configuring');
      await configure(root, arch);
      await run('chmod', ['1777', join(root, 'tmp')]);
    },
  };
}
