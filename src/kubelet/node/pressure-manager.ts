import { delay } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import {
  evictionOrder,
  evictionVerdict,
  type Observation,
  observeMemory,
  type Signal,
  shortSignals,
} from '../eviction.ts';
import { createImageCollector } from '../images/image-gc.ts';
import { labelNames } from '../pod/labels.ts';
import type { NodePod } from '../pod/pod.ts';
import type { Verdict } from '../status/generate.ts';
import { diskSpace } from './machine.ts';
import type { Pressure } from './node-status.ts';

/** Watches memory and disks: ends pods when the node runs short, collects images before that. */
export interface PressureManager {
  readonly pressure: Pressure;
  start(): void;
  stop(): Promise<void>;
}

const everyMs = 10_000;
/** A pressure is told for this long after it was last seen, so that it does not flap. */
const holdMs = 300_000;

export function createPressureManager(options: {
  runtime: ContainerRuntime;
  rootDir: string;
  thresholds: Readonly<Record<string, string>>;
  imageGc: { highPercent: number; lowPercent: number; minAgeMs: number };
  imagesLastUsed: ReadonlyMap<string, number>;
  pods: () => readonly NodePod[];
  evict: (pod: NodePod, verdict: Verdict) => Promise<void>;
  event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  changed: () => void;
  log: Logger;
  now?: () => number;
}): PressureManager {
  const { runtime, thresholds, imageGc, log, now = Date.now } = options;
  const { minAgeMs } = imageGc;
  const images = createImageCollector({ runtime, lastUsed: options.imagesLastUsed, minAgeMs, now });
  const lifetime = new AbortController();
  const lastSeen: Record<keyof Pressure, number> = { memory: 0, disk: 0, pid: 0 };
  let pressure: Pressure = { memory: false, disk: false, pid: false };
  let running: Promise<void> | undefined;
  let imageMount: string | undefined;

  const observe = async (): Promise<Partial<Record<Signal, Observation>>> => {
    imageMount ??= (await runtime.imageFilesystems().catch(() => undefined))?.images[0]?.fsId?.mountpoint;
    const disk = await diskSpace(options.rootDir);
    const ofImages = imageMount ? await diskSpace(imageMount).catch(() => disk) : disk;
    return {
      'memory.available': await observeMemory(),
      'nodefs.available': { available: disk.availableBytes, capacity: disk.capacityBytes },
      'imagefs.available': { available: ofImages.availableBytes, capacity: ofImages.capacityBytes },
      ...(disk.inodes > 0 ? { 'nodefs.inodesFree': { available: disk.inodesFree, capacity: disk.inodes } } : {}),
      ...(ofImages.inodes > 0
        ? { 'imagefs.inodesFree': { available: ofImages.inodesFree, capacity: ofImages.inodes } }
        : {}),
    };
  };

  const free = async (bytes: number): Promise<number> => {
    const freed = await images.free(bytes);
    if (freed > 0) log.info('unused images were removed', { bytes: freed });
    return freed;
  };

  const collectImages = async (seen: Observation | undefined): Promise<void> => {
    if (!seen || seen.capacity === 0) return;
    const usedPercent = 100 - (100 * seen.available) / seen.capacity;
    if (usedPercent < imageGc.highPercent) return;
    const wanted = Math.ceil((seen.capacity * (usedPercent - imageGc.lowPercent)) / 100);
    const freed = await free(wanted);
    if (freed < wanted)
      options.event(
        'Warning',
        'FreeDiskSpaceFailed',
        `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`,
      );
  };

  const usage = async (): Promise<{ memory: Map<string, number>; disk: Map<string, number> }> => {
    const memory = new Map<string, number>();
    const disk = new Map<string, number>();
    for (const stats of await runtime.listContainerStats()) {
      const uid = stats.attributes.labels[labelNames.podUid] ?? '';
      memory.set(uid, (memory.get(uid) ?? 0) + (stats.memory?.workingSetBytes?.value ?? 0));
      disk.set(uid, (disk.get(uid) ?? 0) + (stats.writableLayer?.usedBytes?.value ?? 0));
    }
    return { memory, disk };
  };

  const notice = async (): Promise<{
    seen: Awaited<ReturnType<typeof observe>>;
    worst: ReturnType<typeof shortSignals>[number] | undefined;
  }> => {
    const seen = await observe();
    const short = shortSignals(thresholds, seen);
    for (const { signal } of short)
      lastSeen[signal.startsWith('memory') ? 'memory' : signal.startsWith('pid') ? 'pid' : 'disk'] = now();
    const next: Pressure = {
      memory: lastSeen.memory > 0 && now() - lastSeen.memory < holdMs,
      disk: lastSeen.disk > 0 && now() - lastSeen.disk < holdMs,
      pid: lastSeen.pid > 0 && now() - lastSeen.pid < holdMs,
    };
    const changed = JSON.stringify(next) !== JSON.stringify(pressure);
    pressure = next;
    if (changed) options.changed();
    return { seen, worst: short[0] };
  };

  const relieve = async (): Promise<void> => {
    const { seen, worst } = await notice();
    await collectImages(seen['imagefs.available']);
    if (!worst) return;
    const capacity = seen[worst.signal]?.capacity ?? 0;
    options.event('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${worst.signal.replace(/\..*/, '')}`);
    if (!worst.signal.startsWith('memory') && (await free(Number.POSITIVE_INFINITY)) > 0) return;
    const [victim] = evictionOrder(options.pods(), worst.signal, await usage());
    if (!victim) return log.warn('the node is short and no pod can be ended', { signal: worst.signal });
    await options.evict(victim, evictionVerdict(worst, capacity));
  };

  const attempt = (work: () => Promise<unknown>): Promise<unknown> =>
    work().catch((error: unknown) => log.warn('pressure could not be observed', { error: messageOf(error) }));

  const loop = async (): Promise<void> => {
    // Nothing goes yet: images that are being imported at the start have no pins.
    await attempt(() => Promise.all([notice(), images.detect()]));
    for (;;) {
      await delay(everyMs, lifetime.signal);
      if (lifetime.signal.aborted) return;
      await attempt(relieve);
    }
  };

  return {
    get pressure() {
      return pressure;
    },
    start() {
      running ??= loop();
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
