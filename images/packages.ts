import type { Arch } from './tools/paths.ts';

/** The Debian packages of an image, by what they are for; what they depend on comes by itself. */
export const packages: Record<string, readonly string[]> = {
  'init, devices, network, time': [
    'systemd',
    'systemd-sysv',
    'systemd-resolved',
    'systemd-timesyncd',
    'systemd-repart',
    'udev',
    'dbus',
    'kmod',
    'iproute2',
  ],
  'file systems': ['e2fsprogs', 'dosfstools', 'mount', 'util-linux'],
  'people logging in': [
    'openssh-server',
    'login',
    'passwd',
    'sudo',
    'libpam-modules',
    'libpam-systemd',
    'bash',
    'coreutils',
    'findutils',
    'grep',
    'sed',
    'gzip',
    'tar',
    'less',
    'procps',
    'busybox',
  ],
  'pods and their network': [
    'catatonit',
    'containerd',
    'runc',
    'containernetworking-plugins',
    'nftables',
    'iptables',
    'conntrack',
    'wireguard-tools',
  ],
  trust: ['ca-certificates'],
  'what Node needs': ['libstdc++6', 'libatomic1'],
};

/** The kernel for virtual machines. */
export const kernelPackage = (arch: Arch): string => `linux-image-cloud-${arch}`;

/** Packages whose files become part of an image, or of what it starts from, without being unpacked into its root. */
export const besidePackages = ['busybox-static', 'systemd-boot-efi'] as const;

/**
 * What packages depend on for their installation scripts, which never run here, or for a use that an image has not:
 * left out of the closure.
 */
export const unwanted = [
  'adduser',
  'apt',
  'cpio',
  'debconf',
  'debianutils',
  'dpkg',
  'dracut-install',
  'init-system-helpers',
  'initramfs-tools',
  'klibc-utils',
  'libpam-runtime',
  'linux-base',
  'linux-initramfs-tool',
  'logsave',
  'lsb-base',
  'openssl',
  'openssl-provider-legacy',
  'perl-base',
  'sensible-utils',
  'sysvinit-utils',
  'ucf',
] as const;

/** Paths of packages that never reach an image: tar's patterns, relative to the root. */
export const excluded = [
  './usr/share/doc/*',
  './usr/share/man/*',
  './usr/share/info/*',
  './usr/share/locale/*',
  './usr/share/lintian/*',
  './usr/share/bash-completion/*',
  './usr/share/zsh/*',
  './usr/share/fish/*',
  './usr/share/bug/*',
  './usr/share/initramfs-tools/*',
  './usr/share/vim/*',
  './usr/share/debconf/*',
  './usr/share/pixmaps/*',
  './usr/share/icons/*',
  './usr/share/polkit-1/*',
  './usr/share/perl5/*',
  './usr/lib/udev/hwdb.d/*',
  './usr/lib/init/*',
  './usr/lib/pcrlock.d/*',
  './usr/lib/systemd/system-generators/systemd-cryptsetup-generator',
  './usr/lib/systemd/system-generators/systemd-gpt-auto-generator',
  './usr/lib/systemd/system-generators/systemd-hibernate-resume-generator',
  './usr/lib/systemd/system-generators/systemd-integritysetup-generator',
  './usr/lib/systemd/system-generators/systemd-rc-local-generator',
  './usr/lib/systemd/system-generators/systemd-ssh-generator',
  './usr/lib/systemd/system-generators/systemd-system-update-generator',
  './usr/lib/systemd/system-generators/systemd-sysv-generator',
  './usr/lib/systemd/system-generators/systemd-tpm2-generator',
  './usr/lib/systemd/system-generators/systemd-veritysetup-generator',
  // plugins that no pod network of this node calls; others bring their own along with them
  ...['dhcp', 'dummy', 'host-device', 'ipvlan', 'macvlan', 'ptp', 'sbr', 'static', 'tap', 'tuning', 'vlan', 'vrf'].map(
    (plugin) => `./usr/lib/cni/${plugin}`,
  ),
  './usr/bin/containerd-shim',
  './usr/bin/containerd-shim-runc-v1',
  './etc/cron.*',
  './etc/init.d/*',
  './etc/init/*',
  './etc/rc*.d/*',
  './etc/kernel/*',
  './etc/default/*',
  './etc/cni/*',
  './etc/containerd/*',
  './etc/ucf.conf',
  './var/*',
] as const;
