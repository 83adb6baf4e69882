import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { systemCode } from '../base/errors.ts';
import type { SliceManager } from './slices.ts';

/** A cgroup's limits; what is absent is left alone. */
export interface CgroupLimits {
  cpuShares?: number;
  /** µs of each 100 ms; absent or 0 means none. */
  cpuQuota?: number;
  /** Bytes. */
  memoryLimit?: number;
  pidsLimit?: number;
}

export interface CgroupHierarchy {
  version: 1 | 2;
  /** Where each controller's tree is mounted; the unified tree (version 2's only one) is named so. */
  mounts: Readonly<Record<string, string>>;
}

/** Reads from `/proc/self/mountinfo` which cgroup version holds the controllers that limit pods. */
export async function detectCgroups(mountInfo?: string): Promise<CgroupHierarchy> {
  const text = mountInfo ?? (await readFile('/proc/self/mountinfo', 'utf8'));
  const v1: Record<string, string> = {};
  let unified: string | undefined;
  for (const line of text.split('\n')) {
    const words = line.split(' ');
    const dash = words.indexOf('-');
    const target = words[4] ?? '';
    if (words[dash + 1] === 'cgroup2') unified ??= target;
    if (words[dash + 1] !== 'cgroup') continue;
    for (const controller of (words[dash + 3] ?? '').split(',')) if (controller !== 'rw') v1[controller] ??= target;
  }
  return v1.memory || v1.cpu || unified === undefined
    ? { version: 1, mounts: { ...v1, ...(unified === undefined ? {} : { unified }) } }
    : { version: 2, mounts: { unified } };
}

export type CgroupDriver = 'cgroupfs' | 'systemd';

/**
 * Cgroups by their path as the cgroupfs driver names them (`/kubepods/burstable/pod<uid>`), whichever driver and
 * version is below. With the systemd driver each step is a slice (`kubepods-burstable.slice`).
 */
export interface Cgroups {
  readonly version: 1 | 2;
  readonly driver: CgroupDriver;
  /** What the runtime is told as the parent of a sandbox. */
  parentName(path: string): string;
  /** Makes the cgroup (and those above it) and sets its limits; both can be repeated. */
  ensure(path: string, limits: CgroupLimits): Promise<void>;
  /** Removes the cgroup and what is empty below it. A cgroup with processes stays, and `false` is answered. */
  remove(path: string): Promise<boolean>;
  /** Names of the cgroups directly below, as in `path`. */
  children(path: string): Promise<string[]>;
  /** Bytes in use that cannot be given back easily, as eviction looks at it. */
  memoryWorkingSet(path: string): Promise<number | undefined>;
}

/** The share of CPU in version 2's units (1 to 10,000). */
export const cpuWeight = (shares: number): number => Math.trunc(1 + ((shares - 2) * 9999) / 262_142);

const escapeSlice = (name: string): string => name.replaceAll('-', '_');

/** `/kubepods/burstable/pod1-2` → `['kubepods.slice', 'kubepods-burstable.slice', 'kubepods-burstable-pod1_2.slice']`. */
export function slicesOf(path: string): string[] {
  const steps = path
    .split('/')
    .filter((s) => s !== '')
    .map(escapeSlice);
  return steps.map((_, at) => `${steps.slice(0, at + 1).join('-')}.slice`);
}

const period = 100_000;

export function createCgroups(options: {
  hierarchy: CgroupHierarchy;
  driver: CgroupDriver;
  /** Needed for the systemd driver: who makes slices. */
  slices?: SliceManager | undefined;
}): Cgroups {
  const { hierarchy, driver, slices } = options;
  const { version } = hierarchy;
  /** The trees in which the pods' own cgroups are made; the runtime makes those of the other controllers. */
  const trees = version === 2 ? ['unified'] : ['cpu', 'memory', 'pids'].filter((c) => hierarchy.mounts[c]);
  const roots = [...new Set(trees.map((tree) => hierarchy.mounts[tree] ?? ''))];
  const relative = (path: string): string => (driver === 'systemd' ? `/${slicesOf(path).join('/')}` : path);

  const write = async (folder: string, file: string, value: string): Promise<void> => {
    try {
      await writeFile(`${folder}/${file}`, value);
    } catch (error) {
      // A controller that is not there limits nothing; the rest still counts.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  };

  const enableControllers = async (root: string, path: string): Promise<void> => {
    const steps = path.split('/').filter((s) => s !== '');
    let folder = root;
    const available = (await readFile(`${root}/cgroup.controllers`, 'utf8')).trim().split(/\s+/).filter(Boolean);
    const wanted = available.filter((c) => ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb'].includes(c));
    for (const step of ['', ...steps.slice(0, -1)]) {
      folder = step === '' ? folder : `${folder}/${step}`;
      await mkdir(folder, { recursive: true });
      for (const controller of wanted) await write(folder, 'cgroup.subtree_control', `+${controller}`).catch(() => {});
    }
  };

  const apply = async (path: string, limits: CgroupLimits): Promise<void> => {
    const { cpuShares, cpuQuota, memoryLimit, pidsLimit } = limits;
    if (version === 2) {
      const folder = hierarchy.mounts.unified + path;
      if (cpuShares !== undefined) await write(folder, 'cpu.weight', String(cpuWeight(cpuShares)));
      if (cpuQuota !== undefined) await write(folder, 'cpu.max', `${cpuQuota > 0 ? cpuQuota : 'max'} ${period}`);
      if (memoryLimit !== undefined) await write(folder, 'memory.max', String(memoryLimit));
      if (pidsLimit !== undefined) await write(folder, 'pids.max', String(pidsLimit));
      return;
    }
    const { cpu, memory, pids } = hierarchy.mounts;
    if (cpu && cpuShares !== undefined) await write(cpu + path, 'cpu.shares', String(cpuShares));
    if (cpu && cpuQuota) {
      await write(cpu + path, 'cpu.cfs_period_us', String(period));
      await write(cpu + path, 'cpu.cfs_quota_us', String(cpuQuota));
    }
    if (memory && memoryLimit) await write(memory + path, 'memory.limit_in_bytes', String(memoryLimit));
    if (pids && pidsLimit) await write(pids + path, 'pids.max', String(pidsLimit));
  };

  const removeTree = async (folder: string): Promise<boolean> => {
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      for (const entry of entries) if (entry.isDirectory()) await removeTree(`${folder}/${entry.name}`);
      await rmdir(folder);
      return true;
    } catch (error) {
      return systemCode(error) === 'ENOENT';
    }
  };

  return {
    version,
    driver,
    parentName: relative,
    async ensure(path, limits) {
      if (driver === 'systemd') {
        const names = slicesOf(path);
        const name = names[names.length - 1];
        if (name && slices) await slices.ensure(name, limits);
        return;
      }
      for (const root of roots) {
        if (version === 2) await enableControllers(root, path);
        await mkdir(root + path, { recursive: true });
      }
      await apply(path, limits);
    },
    async remove(path) {
      if (driver === 'systemd') {
        const names = slicesOf(path);
        await slices?.remove(names[names.length - 1] ?? '');
      }
      const every = version === 2 ? roots : [...new Set(Object.values(hierarchy.mounts))];
      const gone = await Promise.all(every.map((root) => removeTree(root + relative(path))));
      return gone.every(Boolean);
    },
    async children(path) {
      const root = roots[0];
      if (root === undefined) return [];
      try {
        const entries = await readdir(root + relative(path), { withFileTypes: true });
        const names = entries.filter((e) => e.isDirectory()).map((e) => e.name);
        if (driver === 'cgroupfs') return names;
        const prefix = `${escapeSlice(path.slice(1)).replaceAll('/', '-')}-`;
        return names
          .filter((n) => n.startsWith(prefix) && n.endsWith('.slice'))
          .map((n) => n.slice(prefix.length, -'.slice'.length).replaceAll('_', '-'));
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async memoryWorkingSet(path) {
      const root = version === 2 ? hierarchy.mounts.unified : hierarchy.mounts.memory;
      if (root === undefined) return undefined;
      const folder = root + (path === '/' ? '' : relative(path));
      try {
        const usage = Number(
          await readFile(`${folder}/${version === 2 ? 'memory.current' : 'memory.usage_in_bytes'}`, 'utf8'),
        );
        const stat = await readFile(`${folder}/memory.stat`, 'utf8');
        const key = version === 2 ? 'inactive_file' : 'total_inactive_file';
        const inactive = Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
        return Math.max(0, usage - inactive);
      } catch {
        return undefined;
      }
    },
  };
}
