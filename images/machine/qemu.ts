import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { run } from '../../src/base/run.ts';
import { direct } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';
import type { Accelerator } from './accelerator.ts';
import type { Seed } from './seed.ts';

export interface QemuOptions {
  /** Where its pid, sockets and console log are. */
  folder: string;
  arch: Arch;
  accelerator: Accelerator;
  memoryMb: number;
  disk: string;
  /** What tells it its configuration. */
  seed?: Seed;
  /** A second disk, in its own format, that the machine may write on. */
  data?: string;
  /** Further disks, raw and only read; the firmware starts from the first of them when `disk` has nothing to start. */
  media?: readonly string[];
  /** What its disk and its network card are; `virtual` where it is not said. */
  hardware?: keyof typeof hardware;
  /** The kernel is started directly, or, without it, by the firmware and the boot loader. */
  direct?: { kernel: string; initrd: string; cmdline: string };
  /** The firmware is a BIOS (amd64). */
  bios?: boolean;
  /** What the network card's own boot program (iPXE) is told to start, when no disk has anything: a URL. */
  bootFile?: string;
  /** More of the kernel's command line where the firmware starts it: systemd's stub takes it from SMBIOS. */
  moreCmdline?: string;
  /** Variables of a firmware that starts nothing but what is signed (amd64): a file that is copied for the machine. */
  secureVariables?: string;
  /** Ports of this machine's loopback, by the port in the machine that they lead to. */
  forwards: Readonly<Record<number, number>>;
  /** Joins the Ethernet that all machines with the same port share, with this hardware address. */
  lan?: { port: number; mac: string };
}

/** Devices by their names in QEMU: those of virtual machines, and such as real ones have. */
const hardware = {
  virtual: { disk: 'virtio-blk-pci', card: 'virtio-net-pci' },
  real: { disk: 'nvme,serial=knarr', card: 'e1000e' },
} as const;

const programs = { amd64: 'usr/bin/qemu-system-x86_64', arm64: 'usr/bin/qemu-system-aarch64' } as const;
const machines = { amd64: 'q35', arm64: 'virt' } as const;
/** The firmware and what its variables are at first. */
const firmware = {
  amd64: ['usr/share/OVMF/OVMF_CODE_4M.fd', 'usr/share/OVMF/OVMF_VARS_4M.fd'],
  arm64: ['usr/share/AAVMF/AAVMF_CODE.no-secboot.fd', 'usr/share/AAVMF/AAVMF_VARS.fd'],
} as const;

/**
 * What is emulated: all that there is, but for what guards a kernel against its programs and the fifth level of its page
 * tables (amd64), a tenth of the time to the node; the checks of pointers (arm64) are done in the way that costs least.
 */
const emulated = { amd64: 'max,-la57,-smap,-smep,-pku,-umip', arm64: 'max,pauth-impdef=on' } as const;

const secureFirmware = 'usr/share/OVMF/OVMF_CODE_4M.secboot.fd';

/** A disk of `size` whose first content is another's: only what changes takes room. */
export async function createDisk(path: string, backing: string, size: string): Promise<void> {
  const tool = direct('usr/bin/qemu-img');
  await run(tool.program, [...tool.args, 'create', '-q', '-f', 'qcow2', '-b', backing, '-F', 'raw', path, size]);
}

/** A disk of `size` with nothing on it. */
export async function createBlankDisk(path: string, size: string): Promise<void> {
  const tool = direct('usr/bin/qemu-img');
  await run(tool.program, [...tool.args, 'create', '-q', '-f', 'qcow2', path, size]);
}

/**
 * Puts a newly built image under a disk that was made from an older one: what the machine wrote, /var among it, stays.
 * That needs the same partitions in the same places, which is so while a slot's size does not change.
 */
export async function rebaseDisk(path: string, backing: string): Promise<void> {
  const tool = direct('usr/bin/qemu-img');
  await run(tool.program, [...tool.args, 'rebase', '-q', '-u', '-f', 'qcow2', '-b', backing, '-F', 'raw', path]);
}

function seedArguments(seed: Seed): string[] {
  if ('fwCfg' in seed) return ['-fw_cfg', `name=opt/knarr/user-data,file=${seed.fwCfg}`];
  if ('smbios' in seed) return ['-smbios', `type=11,path=${seed.smbios}`];
  return ['-drive', `if=none,id=seed,file=${seed.disk},format=raw,readonly=on`, '-device', 'virtio-blk-pci,drive=seed'];
}

function argumentsOf(options: QemuOptions): string[] {
  const {
    arch,
    accelerator,
    memoryMb,
    disk,
    data,
    seed,
    media = [],
    forwards,
    lan,
    moreCmdline = '',
    bootFile,
  } = options;
  const devices = hardware[options.hardware ?? 'virtual'];
  const { tree } = direct(programs[arch]);
  const code = options.secureVariables === undefined ? firmware[arch][0] : secureFirmware;
  // A BIOS tries one disk alone, and the medium is a disk, too; UEFI goes on to the next.
  const mediaFirst = options.bios === true;
  const forwarded = Object.entries(forwards).map(([guest, host]) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`);
  return [
    ...['usr/share/qemu', 'usr/share/seabios', 'usr/lib/ipxe/qemu'].flatMap((path) => ['-L', tree(path)]),
    ...(options.secureVariables === undefined
      ? // without a screen a BIOS shows everything on the serial line
        ['-machine', `${machines[arch]}${options.bios === true ? ',graphics=off' : ''}`]
      : ['-machine', `${machines[arch]},smm=on`, '-global', 'driver=cfi.pflash01,property=secure,value=on']),
    ...['-smp', '2', '-m', String(memoryMb), '-nodefaults', '-display', 'none'],
    ...(accelerator === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', emulated[arch]]),
    ...['-pidfile', 'pid', '-qmp', 'unix:qmp.sock,server=on,wait=off'],
    ...[
      '-chardev',
      'socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log',
      '-serial',
      'chardev:console',
    ],
    ...[
      '-drive',
      `if=none,id=disk,file=${disk},format=qcow2,discard=unmap`,
      '-device',
      `${devices.disk},drive=disk,bootindex=${mediaFirst ? media.length + 1 : 1}`,
    ],
    ...(data === undefined
      ? []
      : ['-drive', `if=none,id=data,file=${data},format=qcow2`, '-device', 'virtio-blk-pci,drive=data,serial=data']),
    ...media.flatMap((file, index) => [
      ...['-drive', `if=none,id=medium${index},file=${file},format=raw,readonly=on`],
      ...['-device', `virtio-blk-pci,drive=medium${index},bootindex=${index + (mediaFirst ? 1 : 2)}`],
    ]),
    ...(seed === undefined ? [] : seedArguments(seed)),
    ...(moreCmdline === ''
      ? []
      : ['-smbios', `type=11,value=io.systemd.stub.kernel-cmdline-extra=${moreCmdline.replaceAll(',', ',,')}`]),
    ...(bootFile === undefined
      ? ['-netdev', `user,id=user${forwarded.join('')}`, '-device', `${devices.card},netdev=user,romfile=`]
      : [
          ...['-netdev', `user,id=user${forwarded.join('')},bootfile=${bootFile}`],
          ...['-device', `${devices.card},netdev=user,bootindex=${media.length + 2}`],
        ]),
    ...(lan === undefined
      ? []
      : [
          ...['-netdev', `socket,id=lan,mcast=230.0.0.1:${lan.port},localaddr=127.0.0.1`],
          ...['-device', `virtio-net-pci,netdev=lan,mac=${lan.mac},romfile=`],
        ]),
    ...['-device', 'virtio-rng-pci'],
    ...(options.direct !== undefined
      ? ['-kernel', options.direct.kernel, '-initrd', options.direct.initrd, '-append', options.direct.cmdline]
      : options.bios === true
        ? []
        : [
            ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${tree(code)}`],
            ...['-drive', 'if=pflash,unit=1,format=raw,file=variables.fd'],
          ]),
  ];
}

/** Starts QEMU as a process of its own that outlives this one; resolves when its monitor is there. */
export async function startQemu(options: QemuOptions): Promise<void> {
  const { folder, arch } = options;
  const qemu = direct(programs[arch]);
  await mkdir(folder, { recursive: true });
  if (options.direct === undefined && !existsSync(join(folder, 'variables.fd')))
    await copyFile(options.secureVariables ?? qemu.tree(firmware[arch][1]), join(folder, 'variables.fd'));
  const log = await open(join(folder, 'qemu.log'), 'w');
  const child = spawn(qemu.program, [...qemu.args, ...argumentsOf(options)], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, ...qemu.env },
  });
  await log.close();
  let ended = false;
  child.on('error', () => (ended = true));
  child.on('exit', () => (ended = true));
  child.unref();
  while ((await pidOf(folder)) === undefined) {
    if (ended)
      throw new KnarrError({
        code: 'qemu',
        blame: 'world',
        message: `QEMU did not start: ${(await readFile(join(folder, 'qemu.log'), 'utf8')).trim()}`,
      });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The process of the machine in this folder, when it runs and is one. */
export async function pidOf(folder: string): Promise<number | undefined> {
  const pid = Number((await readFile(join(folder, 'pid'), 'utf8').catch(() => '')).trim());
  if (!(pid > 1)) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (command === undefined) return undefined;
  if (command !== '') return command.includes('qemu-system') ? pid : undefined;
  // On its way out a process has no memory any more, but holds its disk until the last of its threads is gone.
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (status === undefined) return undefined;
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  return threads.length <= 1 && /\) [ZX] /.test(status) ? undefined : pid;
}
