import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../images/setup/progress.ts';
import { runStage, type Stage } from '../../images/stage.ts';
import { debianArchive, hostSources } from '../../images/tools/apt-sources.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { type Arch, hostArch } from '../../images/tools/paths.ts';
import { release } from '../../images/tools/tree.ts';
import { run } from '../../src/base/run.ts';

/**
 * What a Debian boots without Knarr: its cloud kernel and initramfs, systemd to the login prompt of the serial console.
 * `cloud` has the packages of Debian's own generic cloud image (the classes CLOUD and SYSTEM_BOOT of the configuration of
 * debian-cloud-images) and reads a cloud-config as Knarr does; `bare` has what must be there to log in, and reads none;
 * `guest` has kexec too, and runs the program `run` of a second disk with the label `along`, which it has as /opt.
 */
export type StockKind = 'cloud' | 'bare' | 'guest';

export interface StockImage {
  readonly arch: Arch;
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
}

const kernels = { amd64: 'linux-image-cloud-amd64', arm64: 'linux-image-cloud-arm64' } as const;
const consoles = { amd64: 'ttyS0', arm64: 'ttyAMA0' } as const;
const bare = ['initramfs-tools', 'systemd-sysv', 'udev', 'dbus', 'login', 'iproute2', 'e2fsprogs', 'kmod'];
const packages: Record<StockKind, readonly string[]> = {
  bare,
  guest: [...bare, 'kexec-tools'],
  cloud: [
    ...bare,
    ...['cloud-init', 'cloud-guest-utils', 'cloud-initramfs-growroot', 'openssh-server', 'ssh-import-id'],
    ...['sudo', 'libpam-systemd', 'systemd-resolved', 'libnss-resolve', 'libnss-myhostname', 'netplan.io', 'polkitd'],
    ...['systemd-timesyncd', 'unattended-upgrades', 'apparmor', 'zstd', 'apt-utils', 'init', 'iptables'],
    ...['iputils-ping', 'linux-sysctl-defaults', 'less', 'nano', 'netbase', 'vim-tiny', 'whiptail'],
  ],
};

const guestUnit = `[Service]
Type=oneshot
ExecStart=/opt/run
StandardOutput=journal+console
StandardError=journal+console
TimeoutStartSec=infinity
`;

const only = async (folder: string, start: string): Promise<string> => {
  const name = (await readdir(folder)).find((entry) => entry.startsWith(start));
  if (name === undefined) throw new Error(`Debian’s kernel package brought no ${start}`);
  return join(folder, name);
};

const stage = (arch: Arch, kind: StockKind): Stage => ({
  name: `stock-${kind}-${arch}`,
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
        `--include=${[...packages[kind], kernels[arch]].join(',')}`,
        '--aptopt=APT::Install-Recommends "false"',
        '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg',
        ...[release, tree],
        ...(main === undefined ? [] : [main]),
      ],
      { timeoutMs: 1_800_000 },
    );
    await writeFile(join(tree, 'etc/hostname'), 'stock\n');
    const along = kind === 'guest' ? 'LABEL=along /opt ext4 ro 0 0\n' : '';
    await writeFile(join(tree, 'etc/fstab'), `/dev/vda / ext4 defaults 0 1\n${along}`);
    const units = join(tree, 'etc/systemd/system');
    const wanted = join(units, 'multi-user.target.wants');
    await mkdir(wanted, { recursive: true });
    if (kind === 'guest') {
      await writeFile(join(units, 'guest.service'), guestUnit);
      await symlink('../guest.service', join(wanted, 'guest.service'));
    }
    // cloud-init brings the network of a cloud image up itself
    if (kind !== 'cloud') {
      await mkdir(join(tree, 'etc/systemd/network'), { recursive: true });
      await writeFile(join(tree, 'etc/systemd/network/20-all.network'), '[Match]\nName=en*\n[Network]\nDHCP=yes\n');
      await symlink('/usr/lib/systemd/system/systemd-networkd.service', join(wanted, 'systemd-networkd.service'));
    } else {
      // an image is nobody yet: its machine makes the keys of its own
      const ssh = join(tree, 'etc/ssh');
      for (const name of await readdir(ssh)) if (name.startsWith('ssh_host_')) await rm(join(ssh, name));
    }
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
export async function stockImage(kind: StockKind, progress: Progress): Promise<StockImage> {
  const folder = await runStage(stage(hostArch, kind), progress);
  return {
    arch: hostArch,
    disk: join(folder, 'disk.raw'),
    kernel: join(folder, 'kernel'),
    initrd: join(folder, 'initrd'),
    cmdline: `root=/dev/vda rw console=${consoles[hostArch]}`,
  };
}
