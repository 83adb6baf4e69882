import type { FlowSchema, PriorityLevelConfiguration } from '../../api/gen/flowcontrol-v1.ts';
import { ApiError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Exchange } from '../http/exchange.ts';
import type { RequestInfo } from '../http/request-info.ts';
import { createHistograms } from '../metrics/histogram.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';
import { divide, type Share, shareOf, sharesOf, smoothed } from './borrowing.ts';
import { distinguisher, schemaMatches } from './classify.ts';
import { writeConditions } from './dangling.ts';
import { createPriorityLevel, type LevelLimits, type PriorityLevel, RefusedError } from './priority-level.ts';
import { dumpAt, flowMetrics, flowSeparator, type LevelReport, type SchemaReport } from './report.ts';
import { type Stock, widest, widthOf } from './width.ts';

const group = 'flowcontrol.apiserver.k8s.io';

/** Requests at once over all limited levels: upstream's 400 + 200 in flight. */
const usualSeats = 600;

/** A quarter of the time that a request has. */
const waitMs = 15_000;

/** Conditions are written a little later, many at once. */
const statusDelayMs = 1_000;

/** How often levels lend each other seats by what they wanted lately. */
const lendEveryMs = 10_000;

const longRunning = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export interface FlowControl {
  start(): Promise<void>;
  stop(): void;
  /**
   * Takes a seat for a request and marks its answer with its flow schema and priority level. Undefined: go on, and `leave`
   * nothing. A function: go on, and call it when the request is served. Rejects with an ApiError (429).
   */
  enter(exchange: Exchange, user: UserInfo, info: RequestInfo): undefined | (() => void) | Promise<() => void>;
  /** What is asked for below `/debug/api_priority_and_fairness`. */
  dump(path: string): string | undefined;
  /** In the text format of Prometheus. */
  metrics(): string;
}

interface Level {
  readonly uid: string;
  /** Undefined: exempt. */
  level: PriorityLevel | undefined;
  share: Share;
  /** The most seats that one request may take. */
  widest: number;
  smoothed: number;
}

/** Counted since the schema was last arranged with the others. */
interface Counts {
  dispatched: number;
  executing: number;
  seats: number;
  waiting: number;
  readonly rejected: Record<string, number>;
}

interface Schema {
  readonly name: string;
  readonly uid: string;
  readonly schema: FlowSchema;
  readonly level: Level;
  /** What the answer to every request in it says of it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly counts: Counts;
  /** Ends a request of one seat; shared by all of them. */
  readonly leave: () => void;
}

function limitsOf({ spec }: PriorityLevelConfiguration, seats: number): LevelLimits {
  const limited = spec?.limited;
  const queuing = limited?.limitResponse?.type === 'Queue' ? limited.limitResponse.queuing : undefined;
  return {
    seats,
    queues: limited?.limitResponse?.type === 'Queue' ? (queuing?.queues ?? 64) : 0,
    handSize: queuing?.handSize ?? 8,
    queueLength: queuing?.queueLengthLimit ?? 50,
  };
}

const refused = (): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Too many requests, please try again later.',
    reason: 'TooManyRequests',
    details: { retryAfterSeconds: 1 },
    code: 429,
  });

/** Counts a request in; gives what counts it out. */
function begin({ counts, leave }: Schema, level: PriorityLevel, seats: number): () => void {
  counts.dispatched++;
  counts.executing++;
  counts.seats += seats;
  if (seats === 1) return leave;
  return () => {
    counts.executing--;
    counts.seats -= seats;
    level.leave(seats);
  };
}

/** How long those waited who had to. */
const waits = createHistograms({
  name: 'apiserver_flowcontrol_request_wait_duration_seconds',
  help: 'Time that requests waited in a queue.',
  labels: ['execute', 'flow_schema', 'priority_level'],
  bounds: [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
});

/** Waits for the seats. Rejects with what the client is told. */
async function inLine(
  schema: Schema,
  level: PriorityLevel,
  waiting: Promise<void>,
  seats: number,
): Promise<() => void> {
  const { counts } = schema;
  counts.waiting++;
  const began = performance.now();
  const waited = (execute: boolean): void => {
    const { name } = schema;
    const priority = schema.schema.spec?.priorityLevelConfiguration.name ?? '';
    waits.of(String(execute), name, priority).observe((performance.now() - began) / 1000);
  };
  try {
    await waiting;
    waited(true);
  } catch (error) {
    waited(false);
    const reason = error instanceof RefusedError ? error.reason : 'time-out';
    counts.rejected[reason] = (counts.rejected[reason] ?? 0) + 1;
    throw refused();
  } finally {
    counts.waiting--;
  }
  return begin(schema, level, seats);
}

/** The most questions whose answers are kept of one user. */
const mostKnown = 1_000;

/** Priority and fairness by the FlowSchemas and PriorityLevelConfigurations that are stored. */
export function createFlowControl(options: {
  registry: Registry;
  /** Requests at once over all limited levels. */
  seats?: number | undefined;
  log: Logger;
}): FlowControl {
  const { registry, log, seats: totalSeats = usualSeats } = options;
  const schemas = new Map<string, FlowSchema>();
  const configurations = new Map<string, PriorityLevelConfiguration>();
  const levels = new Map<string, Level>();
  const mirrors: Mirror[] = [];
  let ordered: readonly Schema[] = [];
  let statusTimer: NodeJS.Timeout | undefined;
  let lending: NodeJS.Timeout | undefined;
  const counted = new Map<string, Counts>();
  const stock = (group: string, resource: string): Stock | undefined => registry.stock(group, resource);
  let stopped = false;

  /** What was found for a user (authentication gives the same object for a while), by what was asked. */
  let found = new WeakMap<UserInfo, Map<string, Schema | undefined>>();

  const schemaFor = (user: UserInfo, info: RequestInfo): Schema | undefined => {
    let known = found.get(user);
    if (!known || known.size >= mostKnown) {
      known = new Map();
      found.set(user, known);
    }
    const { verb, group, resource, subresource, namespace, isResource, path } = info;
    const key = isResource ? `${verb}\n${group}\n${resource}\n${subresource}\n${namespace}` : `${verb} ${path}`;
    let schema = known.get(key);
    if (schema === undefined && !known.has(key)) {
      schema = ordered.find((one) => schemaMatches(one.schema, user, info));
      known.set(key, schema);
    }
    return schema;
  };

  const arrangeLevels = (): void => {
    const shares = [...configurations.values()].reduce((sum, one) => sum + sharesOf(one), 0);
    for (const [name, configuration] of configurations) {
      const uid = configuration.metadata.uid ?? '';
      const share = shareOf(configuration, shares, totalSeats);
      const limits = limitsOf(configuration, share.nominal);
      const known = levels.get(name);
      const before = known?.uid === uid ? known : undefined;
      before?.level?.limit(limits);
      const exempt = configuration.spec?.type === 'Exempt';
      const level = exempt ? undefined : (before?.level ?? createPriorityLevel(limits, waitMs));
      const now = { share, level, widest: widest(share.nominal, limits.handSize) };
      if (before) Object.assign(before, now);
      else levels.set(name, { uid, smoothed: 0, ...now });
    }
    for (const name of levels.keys()) if (!configurations.has(name)) levels.delete(name);
  };

  const countsFor = (name: string, { level }: Level): Pick<Schema, 'counts' | 'leave'> => {
    const counts = counted.get(name) ?? { dispatched: 0, executing: 0, seats: 0, waiting: 0, rejected: {} };
    counted.set(name, counts);
    const leave = (): void => {
      counts.executing--;
      counts.seats--;
      level?.leave();
    };
    return { counts, leave };
  };

  const arrange = (): void => {
    arrangeLevels();
    for (const name of counted.keys()) if (!schemas.has(name)) counted.delete(name);
    found = new WeakMap();
    const precedence = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 1000;
    ordered = [...schemas.values()]
      .flatMap((schema): Schema[] => {
        const level = levels.get(schema.spec?.priorityLevelConfiguration.name ?? '');
        const { name = '', uid = '' } = schema.metadata;
        if (!level) return [];
        const headers = {
          'x-kubernetes-pf-flowschema-uid': uid,
          'x-kubernetes-pf-prioritylevel-uid': level.uid,
        };
        return [{ name, uid, schema, level, headers, ...countsFor(name, level) }];
      })
      .sort((a, b) => precedence(a.schema) - precedence(b.schema) || (a.name < b.name ? -1 : 1));
    statusTimer ??= setTimeout(() => {
      statusTimer = undefined;
      void writeConditions(registry, schemas, (name) => configurations.has(name)).catch((error: unknown) => {
        if (stopped) return;
        log.warn('the conditions of a flow schema cannot be written', { error: messageOf(error) });
      });
    }, statusDelayMs).unref();
  };

  const lend = (): void => {
    const limited = [...levels.values()].flatMap((one) => (one.level ? [{ one, level: one.level }] : []));
    const wishes = limited.map(({ one, level }) => {
      const demand = level.demand();
      one.smoothed = smoothed(one.smoothed, demand);
      const { least, most, nominal } = one.share;
      const kept = Math.max(least, Math.min(nominal, demand.highest));
      return { least: kept, most, wanted: Math.max(kept, one.smoothed) };
    });
    // Nobody wants more than his own: everybody has that.
    const enough = limited.every(({ one }) => one.smoothed <= one.share.nominal);
    const seats = enough ? undefined : divide(totalSeats, wishes);
    limited.forEach(({ one, level }, i) => {
      const now = seats?.[i] ?? one.share.nominal;
      if (now !== level.limits.seats) level.lend(now);
    });
  };

  const follow = async <T>(resource: string, into: Map<string, T>): Promise<void> => {
    mirrors.push(
      await createMirror(registry.store(group, resource), {
        put({ name, object }) {
          into.set(name, object as unknown as T);
          arrange();
        },
        remove({ name }) {
          into.delete(name);
          arrange();
        },
      }),
    );
  };

  const levelReports = (): LevelReport[] =>
    [...levels]
      .map(([name, { level, share, smoothed }]) => ({ name, level, smoothed, ...share }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const schemaReports = (): SchemaReport[] =>
    ordered.map(({ name, schema, counts }) => ({
      name,
      level: schema.spec?.priorityLevelConfiguration.name ?? '',
      ...counts,
    }));

  return {
    async start() {
      await follow('prioritylevelconfigurations', configurations);
      await follow('flowschemas', schemas);
      lending = setInterval(lend, lendEveryMs).unref();
    },
    stop() {
      stopped = true;
      clearInterval(lending);
      clearTimeout(statusTimer);
      for (const mirror of mirrors) mirror.stop();
    },
    enter(exchange, user, info) {
      if (longRunning.has(info.subresource) || info.verb === 'proxy') return undefined;
      const schema = schemaFor(user, info);
      if (!schema) return undefined;
      exchange.added = schema.headers;
      const { level } = schema.level;
      if (!level) {
        schema.counts.dispatched++;
        return undefined;
      }
      const seats = widthOf(info, exchange.url, stock, schema.level.widest);
      const waiting = level.enter(schema.name + flowSeparator + distinguisher(schema.schema, user, info), seats);
      return waiting ? inLine(schema, level, waiting, seats) : begin(schema, level, seats);
    },
    dump: (path) => dumpAt(path, levelReports()),
    metrics: () => flowMetrics(levelReports(), schemaReports()) + waits.render(),
  };
}
