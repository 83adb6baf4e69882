import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../images/setup/progress.ts';
import { runStage, type Stage } from '../../images/stage.ts';
import { debianArchive, hostSources } from '../../images/tools/apt-sources.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { type Arch, hostArch } from '../../images/tools/paths.ts';
import { release } from '../../images/tools/tree.ts';
import { run } from '../../src/base/run.ts';

/** What a plain Debian boots: its own kernel and initramfs, systemd to the login prompt of the serial console. */
export interface StockImage {
  readonly arch: Arch;
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
}

const kernels = { amd64: 'linux-image-cloud-amd64', arm64: 'linux-image-cloud-arm64' } as const;
const consoles = { amd64: 'ttyS0', arm64: 'ttyAMA0' } as const;
const packages = ['initramfs-tools', 'systemd-sysv', 'udev', 'dbus', 'login', 'iproute2', 'e2fsprogs', 'kmod'];

const only = async (folder: string, start: string): Promise<string> => {
  const name = (await readdir(folder)).find((entry) => entry.startsWith(start));
  if (name === undefined) throw new Error(`Debian’s kernel package brought no ${start}`);
  return join(folder, name);
};

const stage = (arch: Arch): Stage => ({
  name: `stock-${arch}`,
  source: import.meta.filename,
  inputs: [release, arch],
  async make(into, say) {
    const tree = join(into, 'tree');
    const { main } = debianArchive(await hostSources());
    say('packages');
    await run(
      'mmdebstrap',
      [
        ...['--variant=minbase', '--mode=root', `--architectures=${arch}`, '--quiet'],
        `--include=${[...packages, kernels[arch]].join(',')}`,
        '--aptopt=APT::Install-Recommends "false"',
        '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg',
        ...[release, tree],
        ...(main === undefined ? [] : [main]),
      ],
      { timeoutMs: 1_800_000 },
    );
    await writeFile(join(tree, 'etc/hostname'), 'stock\n');
    await writeFile(join(tree, 'etc/fstab'), '/dev/vda / ext4 defaults 0 1\n');
    await mkdir(join(tree, 'etc/systemd/network'), { recursive: true });
    await writeFile(join(tree, 'etc/systemd/network/20-all.network'), '[Match]\nName=en*\n[Network]\nDHCP=yes\n');
    const wanted = join(tree, 'etc/systemd/system/multi-user.target.wants');
    await mkdir(wanted, { recursive: true });
    await symlink('/usr/lib/systemd/system/systemd-networkd.service', join(wanted, 'systemd-networkd.service'));
    await copyFile(await only(join(tree, 'boot'), 'vmlinuz-'), join(into, 'kernel'));
    await copyFile(await only(join(tree, 'boot'), 'initrd.img-'), join(into, 'initrd'));
    say('disk');
    const disk = join(into, 'disk.new');
    await runInTools('/usr/sbin/mkfs.ext4', ['-q', '-L', 'stock', '-d', tree, disk, '4G']);
    await rename(disk, join(into, 'disk.raw'));
    await rm(tree, { recursive: true });
  },
});

/** Made once, from this machine's own Debian archive. */
export async function stockImage(progress: Progress): Promise<StockImage> {
  const folder = await runStage(stage(hostArch), progress);
  return {
    arch: hostArch,
    disk: join(folder, 'disk.raw'),
    kernel: join(folder, 'kernel'),
    initrd: join(folder, 'initrd'),
    cmdline: `root=/dev/vda rw console=${consoles[hostArch]}`,
  };
}
