import { readFile } from 'node:fs/promises';
import os from 'node:os';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { ContainerStats, SandboxStats } from '../../cri/types.ts';
import { diskSpace } from '../node/machine.ts';
import { labelNames } from '../pod/labels.ts';

/** Measurements of the node and of what runs on it, taken when asked for. Bytes and nanoseconds. */
export interface Measurements {
  node: {
    time: string;
    startTime: string;
    cpuNanoSeconds: number;
    workingSet: number;
    usage: number;
    available: number;
  };
  fs: { capacityBytes: number; availableBytes: number; inodes: number; inodesFree: number };
  imageFs: { usedBytes: number; capacityBytes: number; availableBytes: number; inodes: number; inodesFree: number };
  network: { name: string; rxBytes: number; rxErrors: number; txBytes: number; txErrors: number }[];
  pods: PodMeasurement[];
}

export interface PodMeasurement {
  name: string;
  namespace: string;
  uid: string;
  network: { name: string; rxBytes: number; rxErrors: number; txBytes: number; txErrors: number }[];
  containers: (ContainerMeasurement & { startTime: string })[];
}

export interface ContainerMeasurement {
  name: string;
  id: string;
  time: string;
  cpuNanoSeconds: number;
  cpuNanoCores: number;
  workingSet: number;
  usage: number;
  rss: number;
  pageFaults: number;
  majorPageFaults: number;
  rootfsBytes: number;
  rootfsInodes: number;
}

const value = (wrapped: { value: number } | null | undefined): number => wrapped?.value ?? 0;
const iso = (nanoseconds: number): string => new Date(nanoseconds / 1e6).toISOString();

function containerMeasurement(stats: ContainerStats): ContainerMeasurement {
  const { cpu, memory, writableLayer } = stats;
  return {
    name: stats.attributes.labels[labelNames.containerName] ?? stats.attributes.metadata.name,
    id: stats.attributes.id,
    time: iso(cpu?.timestamp ?? Date.now() * 1e6),
    cpuNanoSeconds: value(cpu?.usageCoreNanoSeconds),
    cpuNanoCores: value(cpu?.usageNanoCores),
    workingSet: value(memory?.workingSetBytes),
    usage: value(memory?.usageBytes),
    rss: value(memory?.rssBytes),
    pageFaults: value(memory?.pageFaults),
    majorPageFaults: value(memory?.majorPageFaults),
    rootfsBytes: value(writableLayer?.usedBytes),
    rootfsInodes: value(writableLayer?.inodesUsed),
  };
}

const networkOf = (stats: SandboxStats): PodMeasurement['network'] => {
  const { defaultInterface, interfaces = [] } = stats.linux?.network ?? { defaultInterface: null };
  return [...(defaultInterface ? [defaultInterface] : []), ...interfaces].map((i) => ({
    name: i.name,
    rxBytes: value(i.rxBytes),
    rxErrors: value(i.rxErrors),
    txBytes: value(i.txBytes),
    txErrors: value(i.txErrors),
  }));
};

/** `/proc/net/dev`, without the loopback. */
async function hostNetwork(): Promise<Measurements['network']> {
  const text = await readFile('/proc/net/dev', 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name, ...fields] = line.trim().split(/[:\s]+/);
      if (!name || name === 'lo') return [];
      const at = (index: number): number => Number(fields[index] ?? 0);
      return [{ name, rxBytes: at(0), rxErrors: at(2), txBytes: at(8), txErrors: at(10) }];
    });
}

/** CPU time of all since boot, in nanoseconds, without what was idle. */
async function hostCpu(): Promise<number> {
  const ticks = 100;
  const fields = (await readFile('/proc/stat', 'utf8')).split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = fields;
  return ((user + nice + system + irq + soft + steal) / ticks) * 1e9;
}

export async function measure(options: { runtime: ContainerRuntime; rootDir: string }): Promise<Measurements> {
  const { runtime, rootDir } = options;
  const [containers, sandboxes, created, images, disk, cpu, network, meminfo] = await Promise.all([
    runtime.listContainerStats(),
    runtime.listSandboxStats().catch(() => []),
    runtime.listContainers(),
    runtime.imageFilesystems().catch(() => ({ images: [], containers: [] })),
    diskSpace(rootDir),
    hostCpu(),
    hostNetwork(),
    readFile('/proc/meminfo', 'utf8'),
  ]);
  const imageMount = images.images[0]?.fsId?.mountpoint;
  const imageDisk = imageMount ? await diskSpace(imageMount).catch(() => disk) : disk;
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  const usage = kib('MemTotal') - kib('MemFree');
  const workingSet = Math.max(0, usage - kib('Inactive\\(file\\)'));
  const byPod = new Map<string, PodMeasurement>();
  const podOf = (labels: Record<string, string>): PodMeasurement | undefined => {
    const uid = labels[labelNames.podUid];
    if (!uid) return undefined;
    const known = byPod.get(uid);
    if (known) return known;
    const made = {
      uid,
      name: labels[labelNames.podName] ?? '',
      namespace: labels[labelNames.podNamespace] ?? '',
      network: [],
      containers: [],
    };
    byPod.set(uid, made);
    return made;
  };
  const startedAt = new Map(created.map((c) => [c.id, iso(c.createdAt)]));
  for (const stats of containers) {
    const startTime = startedAt.get(stats.attributes.id) ?? '';
    podOf(stats.attributes.labels)?.containers.push({ ...containerMeasurement(stats), startTime });
  }
  for (const stats of sandboxes) {
    const pod = byPod.get(stats.attributes.labels[labelNames.podUid] ?? '');
    if (pod) pod.network = networkOf(stats);
  }
  return {
    node: {
      time: new Date().toISOString(),
      startTime: new Date(Date.now() - os.uptime() * 1000).toISOString(),
      cpuNanoSeconds: cpu,
      workingSet,
      usage,
      available: Math.max(0, kib('MemTotal') - workingSet),
    },
    fs: disk,
    imageFs: {
      usedBytes: images.images.reduce((sum, f) => sum + value(f.usedBytes), 0),
      capacityBytes: imageDisk.capacityBytes,
      availableBytes: imageDisk.availableBytes,
      inodes: imageDisk.inodes,
      inodesFree: imageDisk.inodesFree,
    },
    network,
    pods: [...byPod.values()],
  };
}

const interfaces = (time: string, list: Measurements['network']): object | undefined => {
  const [first] = list;
  return first ? { time, ...first, interfaces: list } : undefined;
};

/** The document of `/stats/summary`. */
export function summaryOf(m: Measurements, nodeName: string): object {
  const { node, fs } = m;
  const fsStats = {
    time: node.time,
    availableBytes: fs.availableBytes,
    capacityBytes: fs.capacityBytes,
    usedBytes: fs.capacityBytes - fs.availableBytes,
    inodesFree: fs.inodesFree,
    inodes: fs.inodes,
    inodesUsed: fs.inodes - fs.inodesFree,
  };
  const imageFs = {
    time: node.time,
    availableBytes: m.imageFs.availableBytes,
    capacityBytes: m.imageFs.capacityBytes,
    usedBytes: m.imageFs.usedBytes,
    inodesFree: m.imageFs.inodesFree,
    inodes: m.imageFs.inodes,
  };
  return {
    node: {
      nodeName,
      startTime: node.startTime,
      cpu: { time: node.time, usageNanoCores: 0, usageCoreNanoSeconds: Math.round(node.cpuNanoSeconds) },
      memory: {
        time: node.time,
        availableBytes: node.available,
        usageBytes: node.usage,
        workingSetBytes: node.workingSet,
      },
      network: interfaces(node.time, m.network),
      fs: fsStats,
      runtime: { imageFs, containerFs: imageFs },
    },
    pods: m.pods.map((pod) => {
      const sum = (pick: (c: ContainerMeasurement) => number): number =>
        pod.containers.reduce((n, c) => n + pick(c), 0);
      const times = pod.containers.map((c) => c.startTime).sort();
      return {
        podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
        startTime: times[0] ?? node.time,
        containers: pod.containers.map((c) => ({
          name: c.name,
          startTime: c.startTime,
          cpu: { time: c.time, usageNanoCores: c.cpuNanoCores, usageCoreNanoSeconds: c.cpuNanoSeconds },
          memory: {
            time: c.time,
            usageBytes: c.usage,
            workingSetBytes: c.workingSet,
            rssBytes: c.rss,
            pageFaults: c.pageFaults,
            majorPageFaults: c.majorPageFaults,
          },
          rootfs: { ...imageFs, time: c.time, usedBytes: c.rootfsBytes, inodesUsed: c.rootfsInodes },
        })),
        cpu: {
          time: node.time,
          usageNanoCores: sum((c) => c.cpuNanoCores),
          usageCoreNanoSeconds: sum((c) => c.cpuNanoSeconds),
        },
        memory: {
          time: node.time,
          usageBytes: sum((c) => c.usage),
          workingSetBytes: sum((c) => c.workingSet),
          rssBytes: sum((c) => c.rss),
          pageFaults: sum((c) => c.pageFaults),
          majorPageFaults: sum((c) => c.majorPageFaults),
        },
        network: interfaces(node.time, pod.network),
        'ephemeral-storage': { ...fsStats, usedBytes: sum((c) => c.rootfsBytes) },
      };
    }),
  };
}
