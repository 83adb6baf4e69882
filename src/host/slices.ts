import { KnarrError } from '../base/errors.ts';
import type { CgroupLimits } from './cgroups.ts';
import { type Bus, createBus, variant } from './dbus.ts';

/** Slices of the service manager, by unit name. */
export interface SliceManager {
  /** Starts the slice when it is not there and sets its limits. */
  ensure(name: string, limits: CgroupLimits): Promise<void>;
  /** Stops the slice; nothing happens when it is not there. */
  remove(name: string): Promise<void>;
  close(): void;
}

const infinity = 0xffff_ffff_ffff_ffffn;

/** A unit's properties for the limits, in the service manager's units. */
export function sliceProperties(
  limits: CgroupLimits,
  weightOf: (shares: number) => number,
): [string, string, bigint][] {
  const { cpuShares, cpuQuota, memoryLimit, pidsLimit } = limits;
  return [
    ...(cpuShares === undefined ? [] : [['CPUWeight', 't', BigInt(weightOf(cpuShares))] as [string, string, bigint]]),
    // µs of CPU per second, from µs per 100 ms, in whole 10 ms as the manager keeps it.
    ...(cpuQuota
      ? [['CPUQuotaPerSecUSec', 't', BigInt(Math.ceil((cpuQuota * 10) / 10_000) * 10_000)] as [string, string, bigint]]
      : [['CPUQuotaPerSecUSec', 't', infinity] as [string, string, bigint]]),
    ...(memoryLimit ? [['MemoryMax', 't', BigInt(memoryLimit)] as [string, string, bigint]] : []),
    ...(pidsLimit ? [['TasksMax', 't', BigInt(pidsLimit)] as [string, string, bigint]] : []),
  ];
}

/** The name of the bus's error when `error` is a refusal of the service manager. */
const refusal = (error: unknown): unknown =>
  error instanceof KnarrError && error.code === 'dbus-refused' ? error.details.name : undefined;

export function createSliceManager(options: { weightOf: (shares: number) => number; bus?: Bus }): SliceManager {
  const bus = options.bus ?? createBus();
  const manager = (member: string, signature: string, body: unknown[]): Promise<unknown[]> =>
    bus.call({
      destination: 'org.freedesktop.systemd1',
      path: '/org/freedesktop/systemd1',
      interface: 'org.freedesktop.systemd1.Manager',
      member,
      signature,
      body,
    });
  const fixed = (): unknown[] => [
    ['Description', variant('s', 'Kubernetes pods')],
    ['DefaultDependencies', variant('b', false)],
    ['CPUAccounting', variant('b', true)],
    ['MemoryAccounting', variant('b', true)],
    ['TasksAccounting', variant('b', true)],
  ];
  const started = new Set<string>();
  return {
    async ensure(name, limits) {
      const properties = sliceProperties(limits, options.weightOf).map(([key, type, value]) => [
        key,
        variant(type, value),
      ]);
      if (!started.has(name)) {
        try {
          await manager('StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'replace', [...fixed(), ...properties], []]);
          started.add(name);
          return;
        } catch (error) {
          if (refusal(error) !== 'org.freedesktop.systemd1.UnitExists') throw error;
          started.add(name);
        }
      }
      await manager('SetUnitProperties', 'sba(sv)', [name, true, properties]);
    },
    async remove(name) {
      started.delete(name);
      try {
        await manager('StopUnit', 'ss', [name, 'replace']);
      } catch (error) {
        if (refusal(error) !== 'org.freedesktop.systemd1.NoSuchUnit') throw error;
      }
    },
    close: () => bus.close(),
  };
}
