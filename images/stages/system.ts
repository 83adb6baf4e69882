import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { firmwareName } from '../../os/disk/esp-tree.ts';
import type { Flavour } from '../packages.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, clone } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';
import { bootLoader } from './efi.ts';
import { addImages } from './extras.ts';

/** Links of the root: what people write to lives in /var. */
const links: Record<string, string> = {
  home: 'var/home',
  opt: 'var/opt',
  root: 'var/root',
  srv: 'var/srv',
  'usr/local': '../var/usrlocal',
  'etc/resolv.conf': '../run/systemd/resolve/stub-resolv.conf',
  'etc/mtab': '../proc/self/mounts',
  'etc/rancher/node': '/var/lib/rancher/node',
  'usr/bin/knarr': '../lib/knarr/knarr.mjs',
  'usr/bin/node': '../lib/knarr/node',
};

/** Units that an appliance has no use for: each costs time at every boot. */
const masked = [
  'dev-hugepages.mount',
  'ldconfig.service',
  'modprobe@drm.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-binfmt.service',
  'systemd-firstboot.service',
  'systemd-hibernate-clear.service',
  'systemd-hwdb-update.service',
  'systemd-initctl.socket',
  'systemd-journal-catalog-update.service',
  'systemd-machine-id-commit.service',
  'systemd-pcrmachine.service',
  'systemd-pcrphase-sysinit.service',
  'systemd-pcrphase.service',
  'systemd-repart.service',
  'systemd-sysusers.service',
  'systemd-tpm2-setup-early.service',
  'systemd-tpm2-setup.service',
  'systemd-udev-load-credentials.service',
  'systemd-update-done.service',
];

const osRelease = (version: string, build: string, flavour: Flavour): string => `NAME="Knarr"
PRETTY_NAME="Knarr ${version}"
ID=knarr
ID_LIKE=debian
VERSION="${version}"
VERSION_ID="${version}"
IMAGE_ID=knarr
IMAGE_VERSION="${version}"
VARIANT_ID=${flavour}
BUILD_ID="${build}"
ANSI_COLOR="0;36"
`;

/** What the user puts into a root. */
export interface Additions {
  /** Archives of container images. */
  images: readonly string[];
  /** Folders whose content is laid over the root. */
  overlays: readonly string[];
  /** A cloud-config, the weakest that the machine knows. */
  config: string | undefined;
}

/**
 * The whole root tree: the Debian part, kernel modules and firmware, the files of `overlay/`, Node, the daemon, the key
 * that updates are signed with, users and what starts at boot.
 */
export function systemStage(options: {
  arch: Arch;
  flavour: Flavour;
  version: string;
  base: string;
  kernel: string;
  node: string;
  bundle: string;
  efi: string;
  updateKey: string;
  additions: Additions;
}): Stage {
  const { arch, flavour, version, base, kernel, node, bundle, efi, updateKey, additions } = options;
  const overlay = join(clone, 'overlay');
  const { images, overlays, config } = additions;
  return {
    name: `system-${flavour}-${arch}`,
    source: import.meta.filename,
    inputs: [version, updateKey, [base, kernel, node, bundle, efi].map((path) => basename(path)), config !== undefined],
    files: [overlay, ...images, ...overlays, ...(config === undefined ? [] : [config])],
    async make(into) {
      const root = join(into, 'root');
      await run('cp', ['-a', '--reflink=auto', join(base, 'root'), root]);
      await run('cp', ['-a', '--reflink=auto', `${join(kernel, 'root')}/.`, root]);
      // a clone has the modes that its owner's umask gave
      const files = join(into, 'overlay');
      await run('cp', ['-R', '--no-preserve=ownership', overlay, files]);
      await run('chmod', ['-R', 'u=rwX,go=rX', files]);
      await run('cp', ['-R', '--no-preserve=ownership', `${files}/.`, root]);
      await rm(files, { recursive: true });
      await chmod(join(root, 'etc/sudoers.d/rancher'), 0o440);
      const knarr = join(root, 'usr/lib/knarr');
      await cp(bundle, knarr, { recursive: true });
      await cp(join(node, 'node'), join(knarr, 'node'));
      await mkdir(join(knarr, 'update-keys'));
      const keyName = createHash('sha256').update(updateKey).digest('hex').slice(0, 16);
      await writeFile(join(knarr, 'update-keys', `${keyName}.pem`), updateKey);
      await addImages(root, images);
      await run('chmod', ['-R', 'u=rwX,go=rX', knarr]);
      await mkdir(join(knarr, 'efi'));
      await copyFile(join(efi, bootLoader(arch)), join(knarr, 'efi', firmwareName[arch]));
      for (const [path, target] of Object.entries(links)) {
        await rm(join(root, path), { recursive: true, force: true });
        await mkdir(join(root, path, '..'), { recursive: true });
        await symlink(target, join(root, path));
      }
      await writeFile(join(root, 'usr/lib/os-release'), osRelease(version, basename(bundle), flavour));
      await rm(join(root, 'etc/os-release'), { force: true });
      await symlink('../usr/lib/os-release', join(root, 'etc/os-release'));
      await writeFile(join(root, 'etc/hostname'), 'knarr\n');
      await writeFile(join(root, 'etc/machine-id'), '');
      await run('sh', ['-c', 'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/systemd/system/*.wants/*', 'sh', root]);
      await runInTools('systemd-sysusers', ['--root', root]);
      await runInTools('systemctl', ['--root', root, 'preset-all']);
      for (const unit of masked) await symlink('/dev/null', join(root, 'etc/systemd/system', unit)).catch(() => {});
      for (const name of await readdir(join(root, 'var'))) await rm(join(root, 'var', name), { recursive: true });
      for (const folder of overlays) await run('cp', ['-R', '--no-preserve=ownership', `${folder}/.`, root]);
      if (config !== undefined) {
        await mkdir(join(root, 'usr/share/knarr'), { recursive: true });
        await copyFile(config, join(root, 'usr/share/knarr/config.yaml'));
        await chmod(join(root, 'usr/share/knarr/config.yaml'), 0o600);
      }
    },
  };
}
