import dbus from 'dbus-next';
import type { CgroupLimits } from './cgroups.ts';

/** Slices of the service manager, by unit name. */
export interface SliceManager {
  /** Starts the slice when it is not there and sets its limits. */
  ensure(name: string, limits: CgroupLimits): Promise<void>;
  /** Stops the slice; nothing happens when it is not there. */
  remove(name: string): Promise<void>;
  close(): void;
}

const callTimeoutMs = 5000;

interface ManagerProxy {
  StartTransientUnit(name: string, mode: string, properties: unknown[], auxiliary: unknown[]): Promise<string>;
  SetUnitProperties(name: string, runtime: boolean, properties: unknown[]): Promise<void>;
  StopUnit(name: string, mode: string): Promise<string>;
}

function limited<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the service manager did not answer in 5 s')), callTimeoutMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
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

export function createSliceManager(options: { weightOf: (shares: number) => number }): SliceManager {
  let bus: dbus.MessageBus | undefined;
  let proxy: Promise<ManagerProxy> | undefined;
  const manager = (): Promise<ManagerProxy> => {
    proxy ??= (async () => {
      bus = dbus.systemBus();
      bus.on('error', () => {
        proxy = undefined;
      });
      const object = await limited(bus.getProxyObject('org.freedesktop.systemd1', '/org/freedesktop/systemd1'));
      return object.getInterface('org.freedesktop.systemd1.Manager') as unknown as ManagerProxy;
    })();
    proxy.catch(() => {
      proxy = undefined;
    });
    return proxy;
  };
  const started = new Set<string>();
  return {
    async ensure(name, limits) {
      const properties = sliceProperties(limits, options.weightOf).map(([key, type, value]) => [
        key,
        new dbus.Variant(type, value),
      ]);
      const call = await manager();
      if (!started.has(name)) {
        try {
          const fixed = [
            ['Description', new dbus.Variant('s', 'Kubernetes pods')],
            ['DefaultDependencies', new dbus.Variant('b', false)],
            ['CPUAccounting', new dbus.Variant('b', true)],
            ['MemoryAccounting', new dbus.Variant('b', true)],
            ['TasksAccounting', new dbus.Variant('b', true)],
          ];
          await limited(call.StartTransientUnit(name, 'replace', [...fixed, ...properties], []));
          started.add(name);
          return;
        } catch (error) {
          if ((error as { type?: string }).type !== 'org.freedesktop.systemd1.UnitExists') throw error;
          started.add(name);
        }
      }
      await limited(call.SetUnitProperties(name, true, properties));
    },
    async remove(name) {
      started.delete(name);
      try {
        await limited((await manager()).StopUnit(name, 'replace'));
      } catch (error) {
        if ((error as { type?: string }).type !== 'org.freedesktop.systemd1.NoSuchUnit') throw error;
      }
    },
    close() {
      bus?.disconnect();
      bus = undefined;
      proxy = undefined;
    },
  };
}
