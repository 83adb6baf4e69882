import dbus from 'dbus-next';
import { KnarrError, toError } from '../base/errors.ts';

export interface BusCall {
  destination: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: unknown[];
  timeoutMs?: number;
}

export interface BusSignal {
  path: string;
  interface: string;
  member: string;
  body: unknown[];
}

/**
 * A message bus by bare messages: no object is introspected, which for the service manager would mean a hundred
 * kilobytes of XML. Connects with the first call; a lost connection is made again by the next one, and then what was
 * listened for is listened for again.
 */
export interface Bus {
  /**
   * Throws a KnarrError: `dbus-refused` with the bus's error name in `details.name`, `dbus-unreachable`, or
   * `dbus-timeout`.
   */
  call(call: BusCall): Promise<unknown[]>;
  /** Signals that match a rule of the bus. Returns what takes it off. */
  listen(rule: Readonly<Record<string, string>>, listener: (signal: BusSignal) => void): Promise<() => void>;
  /** Called after each connection but the first: signals may have been missed. */
  onReconnect(listener: () => void): () => void;
  close(): void;
}

const defaultTimeoutMs = 10_000;
const busName = 'org.freedesktop.DBus';

interface Listener {
  rule: Readonly<Record<string, string>>;
  listener: (signal: BusSignal) => void;
}

const ruleText = (rule: Readonly<Record<string, string>>): string =>
  Object.entries({ type: 'signal', ...rule })
    .map(([key, value]) => `${key}='${value}'`)
    .join(',');

const matches = (rule: Readonly<Record<string, string>>, signal: BusSignal): boolean =>
  (rule.path === undefined || rule.path === signal.path) &&
  (rule.interface === undefined || rule.interface === signal.interface) &&
  (rule.member === undefined || rule.member === signal.member);

export function createBus(options: { address?: string } = {}): Bus {
  const address = options.address ?? process.env.DBUS_SYSTEM_BUS_ADDRESS ?? 'unix:path=/run/dbus/system_bus_socket';
  const listeners = new Set<Listener>();
  const reconnected = new Set<() => void>();
  let connection: Promise<dbus.MessageBus> | undefined;
  let wasConnected = false;

  const unreachable = (error: unknown): KnarrError =>
    new KnarrError({
      code: 'dbus-unreachable',
      blame: 'world',
      message: `the system bus cannot be reached: ${toError(error).message}`,
      cause: error,
    });

  const addMatch = (bus: dbus.MessageBus, rule: Readonly<Record<string, string>>): Promise<unknown> =>
    bus.call(
      new dbus.Message({
        destination: busName,
        path: '/org/freedesktop/DBus',
        interface: busName,
        member: 'AddMatch',
        signature: 's',
        body: [ruleText(rule)],
      }),
    );

  const open = async (): Promise<dbus.MessageBus> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bus = dbus.sessionBus({ busAddress: address });
    bus.on('connect', () => resolve());
    bus.on('error', (error: unknown) => {
      connection = undefined;
      reject(unreachable(error));
    });
    bus.on('message', (message: dbus.Message) => {
      if (message.type !== dbus.MessageType.SIGNAL) return;
      const signal: BusSignal = {
        path: message.path ?? '',
        interface: message.interface ?? '',
        member: message.member ?? '',
        body: message.body ?? [],
      };
      for (const { rule, listener } of [...listeners]) if (matches(rule, signal)) listener(signal);
    });
    await promise;
    for (const { rule } of listeners) await addMatch(bus, rule);
    if (wasConnected) for (const listener of reconnected) listener();
    wasConnected = true;
    return bus;
  };
  const connected = (): Promise<dbus.MessageBus> => {
    if (connection === undefined) {
      const opening = open();
      connection = opening;
      opening.catch(() => {
        if (connection === opening) connection = undefined;
      });
    }
    return connection;
  };

  const withLimit = <T>(work: Promise<T>, what: string, timeoutMs: number): Promise<T> => {
    const limit = Promise.withResolvers<never>();
    const fail = (): void =>
      limit.reject(
        new KnarrError({
          code: 'dbus-timeout',
          blame: 'world',
          message: `${what} was not answered in ${timeoutMs} ms`,
        }),
      );
    const timer = setTimeout(fail, timeoutMs);
    return Promise.race([work, limit.promise]).finally(() => clearTimeout(timer));
  };

  const send = async (call: BusCall): Promise<unknown[]> => {
    const { destination, path, interface: of, member, signature = '', body = [] } = call;
    const bus = await connected();
    try {
      const reply = await bus.call(new dbus.Message({ destination, path, interface: of, member, signature, body }));
      return reply?.body ?? [];
    } catch (error) {
      const name = (error as { type?: string }).type;
      if (name === undefined) throw unreachable(error);
      throw new KnarrError({
        code: 'dbus-refused',
        blame: 'world',
        message: `${member}: ${toError(error).message}`,
        details: { name },
        cause: error,
      });
    }
  };

  return {
    call: (call) => withLimit(send(call), call.member, call.timeoutMs ?? defaultTimeoutMs),
    async listen(rule, listener) {
      const entry = { rule, listener };
      const isOpen = connection !== undefined;
      listeners.add(entry);
      try {
        const bus = await withLimit(connected(), 'the bus', defaultTimeoutMs);
        if (isOpen) await withLimit(addMatch(bus, rule), 'AddMatch', defaultTimeoutMs);
      } catch (error) {
        listeners.delete(entry);
        throw error;
      }
      return () => void listeners.delete(entry);
    },
    onReconnect(listener) {
      reconnected.add(listener);
      return () => void reconnected.delete(listener);
    },
    close() {
      void connection?.then((bus) => bus.disconnect()).catch(() => {});
      connection = undefined;
      listeners.clear();
    },
  };
}

/** A value with its type, as properties want it. */
export const variant = (type: string, value: unknown): unknown => new dbus.Variant(type, value);

/** Takes the types off values that came in. */
export function plain(value: unknown): unknown {
  if (value instanceof dbus.Variant) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}
