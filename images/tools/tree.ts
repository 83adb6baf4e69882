import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { run } from '../../src/base/run.ts';
import { createApt } from '../apt.ts';
import { debianArchive, hostSources, parseOneLine } from './apt-sources.ts';
import { withBuildLock } from './build-lock.ts';
import { cache, hostArch, nodeTools, toolsTree } from './paths.ts';

export const release = 'trixie';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What the tools tree is made of; QEMU for both architectures, so that either image can be booted. */
const treePackages = [
  'qemu-system-x86',
  'qemu-system-arm',
  'qemu-utils',
  'ovmf',
  'qemu-efi-aarch64',
  'systemd',
  'systemd-repart',
  'systemd-ukify',
  'systemd-boot-efi',
  'erofs-utils',
  'squashfs-tools',
  'mtools',
  'dosfstools',
  'e2fsprogs',
  'cryptsetup-bin',
  'sbsigntool',
  'python3-virt-firmware',
  'xorriso',
  'isolinux',
  'syslinux-common',
  'fdisk',
  'kmod',
  'zstd',
  'xz-utils',
  'ca-certificates',
];

/** Programs for test nodes on this machine, and for the tests themselves: only these files, not what they depend on. */
const nodePackages = {
  [release]: ['containerd', 'containernetworking-plugins', 'catatonit', 'busybox-static'],
  sid: ['kubectl'],
};

/** `build` into a temporary folder, then in place: a tree is there whole or not at all. `key` names what it is made of. */
async function made(folder: string, key: string, build: (into: string) => Promise<void>): Promise<boolean> {
  const id = createHash('sha256').update(key).digest('hex');
  const stamp = `${folder}.id`;
  if ((await readFile(stamp, 'utf8').catch(() => '')) === id) return false;
  const temporary = `${folder}.new`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await build(temporary);
  await rm(stamp, { force: true });
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  await writeFile(stamp, id);
  return true;
}

/**
 * Where Debian's packages come from: what this machine's apt uses, else what mmdebstrap chose for the tree. Firmware is
 * in a component of its own.
 */
export async function archiveLines(suite: string): Promise<string[]> {
  const { main, security } = debianArchive(await hostSources());
  const tree = parseOneLine(await readFile(join(toolsTree, 'etc/apt/sources.list'), 'utf8').catch(() => ''));
  const uri = main ?? tree.find((source) => source.suite === release)?.uri;
  if (uri === undefined)
    throw new KnarrError({
      code: 'no-archive',
      blame: 'world',
      message: "found no Debian archive in this machine's apt sources nor in the tools tree's",
    });
  const line = (from: string, name: string): string =>
    `deb [signed-by=${keyring}] ${from} ${name} main non-free-firmware`;
  if (suite !== release) return [line(uri, suite)];
  return [
    line(uri, suite),
    line(uri, `${suite}-updates`),
    ...(security === undefined ? [] : [line(security, `${suite}-security`)]),
  ];
}

/** Makes the tools tree and the test nodes' programs where they are missing or changed. */
export const ensureTools = (say: (detail: string) => void, note: (text: string) => void): Promise<void> =>
  withBuildLock('tools', note, () => makeTools(say));

async function makeTools(say: (detail: string) => void): Promise<void> {
  const treeKey = JSON.stringify([1, release, hostArch, treePackages]);
  const newTree = await made(toolsTree, treeKey, async (into) => {
    say('tree');
    const { main } = debianArchive(await hostSources());
    await run(
      'mmdebstrap',
      [
        '--variant=apt',
        '--mode=root',
        `--architectures=${hostArch}`,
        `--include=${treePackages.join(',')}`,
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Retries "3"',
        ...['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
        '--quiet',
        `--keyring=${keyring}`,
        release,
        into,
        ...(main === undefined ? [] : [main]),
      ],
      { timeoutMs: 1_800_000 },
    );
    await chmod(into, 0o755);
  });
  const newNode = await made(nodeTools, JSON.stringify([1, hostArch, nodePackages]), async (into) => {
    for (const [suite, names] of Object.entries(nodePackages)) {
      say(names.join(' '));
      const apt = createApt({
        folder: join(cache, `apt-${suite}-${hostArch}`),
        store: join(cache, 'debs'),
        sources: await archiveLines(suite),
        arch: hostArch,
      });
      await apt.update();
      for (const file of await apt.download(await apt.show(names))) await run('dpkg-deb', ['-x', file, into]);
    }
  });
  say(newTree || newNode ? 'made' : 'present');
}
