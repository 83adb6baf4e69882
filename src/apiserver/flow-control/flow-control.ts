import type { FlowSchema, PriorityLevelConfiguration } from '../../api/gen/flowcontrol-v1.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Exchange } from '../http/exchange.ts';
import type { RequestInfo } from '../http/request-info.ts';
import { kindOf } from '../metrics/requests.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';
import { divide, type Share, shareOf, sharesOf, smoothed } from './borrowing.ts';
import { distinguisher, schemaMatches } from './classify.ts';
import { writeConditions } from './dangling.ts';
import type { Demand } from './demand.ts';
import { createFlowMeasures } from './measures.ts';
import { createPriorityLevel, type LevelLimits, type PriorityLevel } from './priority-level.ts';
import { dumpAt, flowMetrics, flowSeparator, type LevelReport, type SchemaReport } from './report.ts';
import { begin, type Counts, createSeating, inLine, type Leave, noCounts, type Seating } from './seating.ts';
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
   * nothing. A function: go on, and call it when the request is served, with how long that took. Rejects with an ApiError (429).
   */
  enter(exchange: Exchange, user: UserInfo, info: RequestInfo): undefined | Leave | Promise<Leave>;
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
  /** What was wanted when seats were last divided, and what of that was meant to be given. */
  last?: { readonly demand: Demand; readonly target: number };
}

interface Schema extends Seating {
  readonly name: string;
  readonly uid: string;
  readonly schema: FlowSchema;
  readonly level: Level;
  /** What the answer to every request in it says of it. */
  readonly headers: Readonly<Record<string, string>>;
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
  const measured = createFlowMeasures();
  let fraction: number | undefined;
  const inQueue = { mutating: 0, readOnly: 0 };
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

  const seatingOf = (name: string, levelName: string, { level }: Level): Seating => {
    const counts = counted.get(name) ?? noCounts();
    counted.set(name, counts);
    return createSeating(counts, measured.of(name, levelName), level);
  };

  const arrange = (): void => {
    arrangeLevels();
    for (const name of counted.keys()) if (!schemas.has(name)) counted.delete(name);
    found = new WeakMap();
    const precedence = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 1000;
    ordered = [...schemas.values()]
      .flatMap((schema): Schema[] => {
        const levelName = schema.spec?.priorityLevelConfiguration.name ?? '';
        const level = levels.get(levelName);
        const { name = '', uid = '' } = schema.metadata;
        if (!level) return [];
        const headers = {
          'x-kubernetes-pf-flowschema-uid': uid,
          'x-kubernetes-pf-prioritylevel-uid': level.uid,
        };
        return [{ name, uid, schema, level, headers, ...seatingOf(name, levelName, level) }];
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
      const wanted = Math.max(kept, one.smoothed);
      one.last = { demand, target: wanted };
      return { least: kept, most, wanted };
    });
    // Nobody wants more than his own: everybody has that.
    const enough = limited.every(({ one }) => one.smoothed <= one.share.nominal);
    const divided = enough ? undefined : divide(totalSeats, wishes);
    fraction = divided?.fraction;
    limited.forEach(({ one, level }, i) => {
      const now = divided?.seats[i] ?? one.share.nominal;
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
      .map(([name, { level, share, smoothed, last }]) => ({ name, level, smoothed, ...share, ...last }))
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
      const watch = info.verb === 'watch';
      if (!level) return begin(schema, level, 1, watch);
      const seats = widthOf(info, exchange.url, stock, schema.level.widest);
      const flow = schema.name + flowSeparator + distinguisher(schema.schema, user, info);
      const waiting = level.enter(flow, seats, schema.measures.queued);
      if (waiting) {
        const kind = kindOf(info);
        inQueue[kind]++;
        return inLine(schema, level, waiting, seats, watch).finally(() => inQueue[kind]--);
      }
      if (level.limits.queues > 0) schema.measures.unqueued();
      return begin(schema, level, seats, watch);
    },
    dump: (path) => dumpAt(path, levelReports()),
    metrics: () => flowMetrics(levelReports(), schemaReports(), { fraction, inQueue }) + measured.render(),
  };
}
