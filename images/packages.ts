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
    'tzdata',
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
    'crun',
    'containernetworking-plugins',
    'nftables',
    'iptables',
    'conntrack',
    'wireguard-tools',
  ],
  trust: ['ca-certificates'],
  'what Node needs': ['libstdc++6', 'libatomic1'],
};

/** What a machine is made of decides over its kernel and its firmware. */
export type Flavour = 'vm' | 'metal';
export const flavours: readonly Flavour[] = ['vm', 'metal'];

const firmware: Record<Arch, readonly string[]> = {
  amd64: ['intel-microcode', 'amd64-microcode'],
  arm64: ['firmware-brcm80211'],
};

/** The packages of a flavour beside the common ones: its kernel, and firmware of network cards and processors. */
export const flavourPackages: Record<Flavour, (arch: Arch) => readonly string[]> = {
  vm: (arch) => [`linux-image-cloud-${arch}`],
  metal: (arch) => [
    `linux-image-${arch}`,
    'iwd',
    'firmware-realtek',
    'firmware-bnx2',
    'firmware-bnx2x',
    'firmware-misc-nonfree',
    ...firmware[arch],
  ],
};

/** Packages whose files become part of an image, or of what it starts from, without being unpacked into its root. */
export const besidePackages: Record<Arch, readonly string[]> = {
  amd64: ['busybox-static', 'systemd-boot-efi', 'dmsetup', 'libdevmapper1.02.1'],
  arm64: ['busybox-static', 'systemd-boot-efi', 'dmsetup', 'libdevmapper1.02.1', 'raspi-firmware', 'u-boot-rpi'],
};

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
  'runc',
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
  './usr/share/applications/*',
  './usr/share/metainfo/*',
  './usr/share/menu/*',
  './usr/share/runit/*',
  './usr/share/util-linux/*',
  // conversions between character sets that nobody asks for, static libraries
  './usr/lib/*/gconv/*',
  './usr/lib/*/lib*.a',
  './usr/lib/*/libmvec.so*',
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
  ...[
    'dhcp',
    'dummy',
    'firewall',
    'host-device',
    'ipvlan',
    'macvlan',
    'ptp',
    'sbr',
    'static',
    'tap',
    'tuning',
    'vlan',
    'vrf',
  ].map((plugin) => `./usr/lib/cni/${plugin}`),
  // programs of packages that are there for other programs
  ...['cvtsudoers', 'sudoreplay', 'ssh-add', 'ssh-agent', 'ssh-copy-id', 'ssh-keyscan', 'chcon', 'runcon'].map(
    (program) => `./usr/bin/${program}`,
  ),
  ...['sudo_logsrvd', 'sudo_sendlog', 'visudo', 'arpd', 'debugfs', 'e2image', 'e4crypt', 'chgpasswd', 'vipw'].map(
    (program) => `./usr/sbin/${program}`,
  ),
  './usr/lib/openssh/ssh-pkcs11-helper',
  './usr/lib/openssh/ssh-sk-helper',
  './usr/lib/*/libfido2.so*',
  './usr/lib/*/libcbor.so*',
  './usr/lib/*/libexpatw.so*',
  './usr/lib/*/security/pam_userdb.so',
  './usr/lib/*/libdb-5.3.so',
  // the daemon talks to containerd itself
  './usr/bin/ctr',
  './usr/bin/containerd-shim',
  './usr/bin/containerd-shim-runc-v1',
  './usr/bin/crun-wasm',
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

/**
 * Parts of a kernel's modules that no node has a use for, relative to its `kernel/`. Whatever needs one of them goes with
 * it: depmod would list it, and loading it would fail.
 */
export const unwantedModules = [
  'crypto/tcrypt.ko*',
  'drivers/accel',
  'drivers/bluetooth',
  'drivers/char/agp',
  'drivers/comedi',
  'drivers/firewire',
  'drivers/gpu',
  'drivers/iio',
  'drivers/input/gameport',
  'drivers/input/joystick',
  'drivers/input/tablet',
  'drivers/input/touchscreen',
  'drivers/isdn',
  'drivers/media',
  'drivers/net/arcnet',
  'drivers/net/can',
  'drivers/net/fddi',
  'drivers/net/hamradio',
  'drivers/net/ieee802154',
  'drivers/parport',
  'drivers/pcmcia',
  'drivers/staging',
  'drivers/video',
  'fs/bcachefs',
  'net/appletalk',
  'net/ax25',
  'net/bluetooth',
  'net/can',
  'net/dccp',
  'net/ieee802154',
  'net/mac802154',
  'net/netrom',
  'net/nfc',
  'net/rds',
  'net/rose',
  'net/smc',
  'net/sunrpc/xprtrdma',
  'net/tipc',
  'sound',
] as const;
