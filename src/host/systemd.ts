import { KnarrError } from '../base/errors.ts';
import { type Bus, createBus, plain, variant } from './dbus.ts';

export interface UnitState {
  /** `loaded`, `not-found`, `masked`, … */
  load: string;
  /** `active`, `activating`, `deactivating`, `inactive`, `failed`. */
  active: string;
  sub: string;
}

/** A property of a transient unit: name, D-Bus type, value. */
export type UnitProperty = readonly [name: string, type: string, value: unknown];

/** The service manager, over D-Bus. Every call has a time limit; what is refused is thrown as KnarrError. */
export interface Systemd {
  unitState(unit: string): Promise<UnitState>;
  /** These resolve when the job is done, and reject with `unit-job-failed` when it ends in any other way. */
  startUnit(unit: string, timeoutMs?: number): Promise<void>;
  stopUnit(unit: string, timeoutMs?: number): Promise<void>;
  restartUnit(unit: string, timeoutMs?: number): Promise<void>;
  startTransientUnit(unit: string, properties: readonly UnitProperty[], timeoutMs?: number): Promise<void>;
  /** Reads unit files again after they were changed. */
  reload(): Promise<void>;
  /** Told of each change of a unit's state, from now on. Returns what takes it off. */
  onUnitChange(unit: string, listener: (state: UnitState) => void): Promise<() => void>;
  close(): void;
}

const destination = 'org.freedesktop.systemd1';
const managerPath = '/org/freedesktop/systemd1';
const managerInterface = `${destination}.Manager`;
const unitInterface = `${destination}.Unit`;
const propertiesInterface = 'org.freedesktop.DBus.Properties';
const jobTimeoutMs = 90_000;

/** `containerd.service` → its object path: all but letters and digits (and a leading digit) become `_xx`. */
export const unitPath = (unit: string): string =>
  `${managerPath}/unit/${[...unit].map((c, i) => (/[A-Za-z]/.test(c) || (i > 0 && /\d/.test(c)) ? c : `_${c.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('')}`;

export function createSystemd(options: { bus?: Bus } = {}): Systemd {
  const bus = options.bus ?? createBus();
  let subscribed: Promise<void> | undefined;
  /** Jobs that ended before the answer to their call was read. */
  const ended = new Map<string, string>();
  const waiting = new Map<string, (result: string) => void>();

  const manager = (member: string, signature: string, body: unknown[]): Promise<unknown[]> =>
    bus.call({ destination, path: managerPath, interface: managerInterface, member, signature, body });

  /** The manager sends signals only to those who asked for them. */
  const subscribe = (): Promise<void> => {
    subscribed ??= (async () => {
      await bus.listen({ path: managerPath, interface: managerInterface, member: 'JobRemoved' }, ({ body }) => {
        const [, job, , result] = body as [number, string, string, string];
        const waiter = waiting.get(job);
        if (waiter) waiter(result);
        else ended.set(job, result);
        // Jobs of others are not ours to remember for long.
        for (const old of ended.keys()) {
          if (ended.size <= 64) break;
          ended.delete(old);
        }
      });
      await manager('Subscribe', '', []);
    })();
    subscribed.catch(() => {
      subscribed = undefined;
    });
    return subscribed;
  };
  bus.onReconnect(() => void manager('Subscribe', '', []).catch(() => {}));

  const runJob = async (
    unit: string,
    member: string,
    signature: string,
    body: unknown[],
    timeoutMs: number,
  ): Promise<void> => {
    await subscribe();
    const [job] = (await manager(member, signature, body)) as [string];
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const known = ended.get(job);
    ended.delete(job);
    if (known !== undefined) resolve(known);
    else waiting.set(job, resolve);
    const failed = (why: string): KnarrError =>
      new KnarrError({
        code: 'unit-job-failed',
        blame: 'world',
        message: `${unit}: ${member} ended with ${why}; see \`journalctl -u ${unit}\``,
        details: { unit, why },
      });
    const timer = setTimeout(() => reject(failed(`no result in ${timeoutMs} ms`)), timeoutMs);
    try {
      const result = await promise;
      if (result !== 'done' && result !== 'skipped') throw failed(result);
    } finally {
      clearTimeout(timer);
      waiting.delete(job);
    }
  };
  const unitJob =
    (member: string) =>
    (unit: string, timeoutMs: number = jobTimeoutMs): Promise<void> =>
      runJob(unit, member, 'ss', [unit, 'replace'], timeoutMs);

  const unitState = async (unit: string): Promise<UnitState> => {
    // LoadUnit, unlike GetUnit, knows units that nothing has asked for yet.
    const [path] = (await manager('LoadUnit', 's', [unit])) as [string];
    const [all] = await bus.call({
      destination,
      path,
      interface: propertiesInterface,
      member: 'GetAll',
      signature: 's',
      body: [unitInterface],
    });
    const { LoadState: load, ActiveState: active, SubState: sub } = plain(all) as Record<string, unknown>;
    return { load: String(load), active: String(active), sub: String(sub) };
  };

  return {
    unitState,
    startUnit: unitJob('StartUnit'),
    stopUnit: unitJob('StopUnit'),
    restartUnit: unitJob('RestartUnit'),
    startTransientUnit: (unit, properties, timeoutMs = jobTimeoutMs) =>
      runJob(
        unit,
        'StartTransientUnit',
        'ssa(sv)a(sa(sv))',
        [unit, 'replace', properties.map(([name, type, value]) => [name, variant(type, value)]), []],
        timeoutMs,
      ),
    async reload() {
      await bus.call({
        destination,
        path: managerPath,
        interface: managerInterface,
        member: 'Reload',
        timeoutMs: 60_000,
      });
    },
    async onUnitChange(unit, listener) {
      await subscribe();
      let last = '';
      return bus.listen(
        { path: unitPath(unit), interface: propertiesInterface, member: 'PropertiesChanged' },
        ({ body }) => {
          const [of, changed] = body as [string, unknown];
          const values = plain(changed) as Record<string, unknown>;
          if (of !== unitInterface || (values.ActiveState === undefined && values.SubState === undefined)) return;
          void unitState(unit)
            .then((state) => {
              const text = JSON.stringify(state);
              if (text !== last) listener(state);
              last = text;
            })
            .catch(() => {}); // the unit went away with its last state told
        },
      );
    },
    close: () => bus.close(),
  };
}
