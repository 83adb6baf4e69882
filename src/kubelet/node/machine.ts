import { readdir, readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { formatQuantity, parseQuantity, quantityValue, subtractQuantities } from '../../api/quantity.ts';

/** Facts of the machine that do not change while the process runs. */
export interface Machine {
  cpus: number;
  memoryBytes: number;
  /** `2Mi` → bytes in pages of that size. */
  hugePages: Readonly<Record<string, number>>;
  machineId: string;
  systemUuid: string;
  bootId: string;
  kernelVersion: string;
  osImage: string;
  architecture: string;
}

const read = async (path: string): Promise<string> => (await readFile(path, 'utf8').catch(() => '')).trim();

const binary = (kib: number): string =>
  kib % (1024 * 1024) === 0 ? `${kib / 1024 / 1024}Gi` : kib % 1024 === 0 ? `${kib / 1024}Mi` : `${kib}Ki`;

async function readHugePages(): Promise<Record<string, number>> {
  const root = '/sys/kernel/mm/hugepages';
  const result: Record<string, number> = {};
  for (const name of await readdir(root).catch(() => [] as string[])) {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    if (!kib) continue;
    result[binary(kib)] = kib * 1024 * Number(await read(`${root}/${name}/nr_hugepages`));
  }
  return result;
}

export async function readMachine(): Promise<Machine> {
  const release = await read('/etc/os-release');
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1];
  return {
    cpus: os.cpus().length || os.availableParallelism(),
    memoryBytes: os.totalmem(),
    hugePages: await readHugePages(),
    machineId: await read('/etc/machine-id'),
    systemUuid: (await read('/sys/class/dmi/id/product_uuid')) || (await read('/etc/machine-id')),
    bootId: await read('/proc/sys/kernel/random/boot_id'),
    kernelVersion: os.release(),
    osImage: pretty ?? 'Linux',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  };
}

export interface DiskSpace {
  capacityBytes: number;
  availableBytes: number;
  inodes: number;
  inodesFree: number;
}

/** The file system that holds `path`. */
export async function diskSpace(path: string): Promise<DiskSpace> {
  const s = await statfs(path);
  return {
    capacityBytes: s.blocks * s.bsize,
    availableBytes: s.bavail * s.bsize,
    inodes: s.files,
    inodesFree: s.ffree,
  };
}

export interface NodeResources {
  capacity: Record<string, string>;
  allocatable: Record<string, string>;
}

/** What the node has, and what of it pods may have: without what is reserved and what eviction holds free. */
export function nodeResources(options: {
  machine: Machine;
  diskBytes: number;
  maxPods: number;
  reserved: Readonly<Record<string, string>>;
  /** Bytes of memory that eviction keeps available. */
  memoryThreshold: number;
  diskThreshold: number;
}): NodeResources {
  const { machine, diskBytes, maxPods, reserved } = options;
  const huge = Object.entries(machine.hugePages);
  const capacity: Record<string, string> = {
    cpu: String(machine.cpus),
    'ephemeral-storage': `${Math.floor(diskBytes / 1024)}Ki`,
    ...Object.fromEntries(huge.map(([size, bytes]) => [`hugepages-${size}`, bytes === 0 ? '0' : `${bytes / 1024}Ki`])),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  };
  const without: Record<string, number> = {
    memory: options.memoryThreshold + huge.reduce((sum, [, bytes]) => sum + bytes, 0),
    'ephemeral-storage': options.diskThreshold,
  };
  const allocatable = Object.fromEntries(
    Object.entries(capacity).map(([name, amount]) => {
      const kept = subtractQuantities(amount, reserved[name] ?? '0');
      const rest = without[name] ? subtractQuantities(kept, String(without[name])) : kept;
      if (rest.nanos < 0n) return [name, '0'];
      if (name === 'ephemeral-storage') return [name, String(quantityValue(rest))];
      return [name, formatQuantity({ nanos: rest.nanos, format: parseQuantity(amount).format })];
    }),
  );
  return { capacity, allocatable };
}
