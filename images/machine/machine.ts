import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { CloudConfig } from '../../cloud-config/schema.ts';
import { delay } from '../../src/base/abort.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { type RunResult, run } from '../../src/base/run.ts';
import type { VmImage } from '../targets/vm.ts';
import { machines } from '../tools/paths.ts';
import type { Accelerator } from './accelerator.ts';
import { createBlankDisk, createDisk, pidOf, type QemuOptions, rebaseDisk, startQemu } from './qemu.ts';
import { qmp } from './qmp.ts';
import { type SeedKind, writeSeed } from './seed.ts';

/** A virtual machine that boots an image, with its state in `build/vm/<name>`. */
export interface Machine {
  readonly name: string;
  readonly folder: string;
  /** Ports on this machine's loopback that lead to the machine's API and its ssh. */
  readonly ports: { api: number; ssh: number };
  start(): Promise<void>;
  /**
   * False when it has ended. One that ended by a fault of QEMU itself is started again, and one that hangs while it starts
   * by firmware is reset, as a person would do; twice at most.
   */
  running(): Promise<boolean>;
  /** Asks it to shut down, and ends it after `timeoutMs`. */
  stop(timeoutMs?: number): Promise<void>;
  /** Ends it between two instructions, as a power cut does. */
  powerCut(): Promise<void>;
  /** Runs a command on it as rancher. */
  ssh(command: string, timeoutMs?: number): Promise<RunResult>;
  /** The command line by which a person logs in. */
  readonly sshCommand: string;
  console(): Promise<string>;
  remove(): Promise<void>;
}

export interface MachineOptions {
  name: string;
  image: VmImage;
  accelerator: Accelerator;
  config: CloudConfig;
  memoryMb?: number;
  /** Boot by firmware (UEFI, or the old one) and boot loader instead of giving QEMU the kernel. */
  firmware?: boolean | 'bios';
  lan?: { port: number; mac: string };
  /** More of the kernel's command line. */
  cmdline?: string;
  /** Its disk is empty at first, instead of the image's. */
  blank?: boolean;
  /** What its disk and its network card are. */
  hardware?: QemuOptions['hardware'];
  /** It has a second disk, empty at first: `/dev/disk/by-id/virtio-data`. */
  data?: boolean;
  /** CDs or sticks, raw; the firmware starts from the first of them while the disk has nothing to start. */
  media?: readonly string[];
  /** How it is told its configuration; without it by a NoCloud disk. */
  seedKind?: SeedKind;
  /** Nothing tells it its configuration. */
  seedless?: boolean;
  /** Variables of a firmware that starts nothing but what is signed; with `firmware`. */
  secureVariables?: string;
  /** A URL that the network card's boot program starts while the disk has nothing to start; with `firmware`. */
  bootFile?: string;
}

/** What only costs time where no real processor is: its workarounds and the checks of its timers; its disks come late. */
export const forEmulation = 'mitigations=off audit=0 no_timer_check tsc=reliable systemd.default_device_timeout_sec=90';

/** No machine, however slow, is silent for so long between its firmware and its log-in. */
const silenceMs = 480_000;

/** A free port of the loopback; someone else may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The key pair by which people and tests log in to machines; made when first needed. */
export async function loginKey(): Promise<{ path: string; publicKey: string }> {
  const path = join(machines, 'id_ed25519');
  await mkdir(machines, { recursive: true });
  if (!existsSync(`${path}.pub`)) {
    await rm(path, { force: true });
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'knarr', '-f', path]);
  }
  return { path, publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() };
}

/** The machine of that name: its disk and ports are kept while it has a folder. */
export async function openMachine(options: MachineOptions): Promise<Machine> {
  const { name, image, accelerator, config, memoryMb = 2048, firmware = false, lan, cmdline = '' } = options;
  const {
    blank = false,
    data = false,
    media = [],
    seedless = false,
    seedKind,
    secureVariables,
    bootFile,
    hardware,
  } = options;
  const folder = join(machines, name);
  const key = await loginKey();
  await mkdir(folder, { recursive: true });
  const portsFile = join(folder, 'ports.json');
  const ports = await readFile(portsFile, 'utf8').then(
    (text) => JSON.parse(text) as Machine['ports'],
    async () => ({ api: await freePort(), ssh: await freePort() }),
  );
  await writeFile(portsFile, JSON.stringify(ports));
  const disk = join(folder, 'disk.qcow2');
  const sshArguments = [
    ...[
      '-i',
      key.path,
      '-p',
      String(ports.ssh),
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
    ],
    // a machine whose power was cut says nothing more
    ...['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=8'],
    ...['-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=20', 'rancher@127.0.0.1'],
  ];
  const ended = async (timeoutMs: number): Promise<boolean> => {
    for (let waited = 0; waited < timeoutMs; waited += 100) {
      if ((await pidOf(folder)) === undefined) return true;
      await delay(100);
    }
    return false;
  };
  const kill = async (): Promise<void> => {
    const pid = await pidOf(folder);
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    if (!(await ended(10_000)))
      throw new KnarrError({ code: 'qemu', blame: 'world', message: `process ${pid} of machine ${name} does not end` });
  };
  /** QEMU's own word when it gave up by an assertion of its own: no guest can do anything about that. */
  const fault = async (): Promise<string | undefined> =>
    /^.*Assertion .* failed\.$/m.exec(await readFile(join(folder, 'qemu.log'), 'utf8').catch(() => ''))?.[0];
  /** It begins to start, and then nothing is heard of it: a kernel that hangs before there is a watchdog. */
  const hangs = async (): Promise<boolean> => {
    const { mtimeMs } = await stat(join(folder, 'console.log')).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs < silenceMs) return false;
    const text = await machine.console();
    const begun = text.lastIndexOf('BdsDxe: starting');
    return begun >= 0 && !text.includes('press Enter', begun);
  };
  let restarts = 0;
  const machine: Machine = {
    name,
    folder,
    ports,
    sshCommand: `ssh ${sshArguments.join(' ')}`,
    async running() {
      if ((await pidOf(folder)) !== undefined) {
        if (restarts === 2 || !(await hangs())) return true;
        restarts++;
        process.stderr.write(`knarr: ${name}: silent since it began to start; it is reset\n`);
        await qmp(folder, 'system_reset');
        return true;
      }
      const text = await fault();
      if (text === undefined || restarts === 2) return false;
      restarts++;
      process.stderr.write(`knarr: ${name}: QEMU failed (${text}); it is started again\n`);
      await machine.start();
      return true;
    },
    async start() {
      if (blank) {
        if (!existsSync(disk)) await createBlankDisk(disk, '8G');
      } else if (existsSync(disk)) await rebaseDisk(disk, image.disk);
      else await createDisk(disk, image.disk, '8G');
      const dataDisk = join(folder, 'data.qcow2');
      if (data && !existsSync(dataDisk)) await createBlankDisk(dataDisk, '1G');
      const qemu: QemuOptions = {
        folder,
        arch: image.arch,
        accelerator,
        memoryMb,
        disk,
        ...(data ? { data: dataDisk } : {}),
        media,
        ...(seedless
          ? {}
          : {
              seed: await writeSeed(
                folder,
                { ...config, ssh_authorized_keys: [...(config.ssh_authorized_keys ?? []), key.publicKey] },
                seedKind,
              ),
            }),
        forwards: { 6443: ports.api, 22: ports.ssh },
        ...(secureVariables === undefined ? {} : { secureVariables }),
        ...(hardware === undefined ? {} : { hardware }),
        ...(lan === undefined ? {} : { lan }),
        ...(bootFile === undefined ? {} : { bootFile }),
      };
      const emulated = accelerator === 'tcg' ? forEmulation : '';
      const line = `${await readFile(image.cmdline, 'utf8')} ${emulated} ${cmdline}`.trim();
      await startQemu(
        firmware !== false
          ? { ...qemu, bios: firmware === 'bios', moreCmdline: `${emulated} ${cmdline}`.trim() }
          : { ...qemu, direct: { kernel: image.kernel, initrd: image.initrd, cmdline: line } },
      );
    },
    async stop(timeoutMs = 90_000) {
      if ((await pidOf(folder)) === undefined) return;
      await qmp(folder, 'system_powerdown').catch(() => {});
      if (!(await ended(timeoutMs))) await kill();
    },
    powerCut: kill,
    ssh: (command, timeoutMs = 120_000) => run('ssh', [...sshArguments, command], { timeoutMs }),
    console: () => readFile(join(folder, 'console.log'), 'utf8').catch(() => ''),
    async remove() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return machine;
}
