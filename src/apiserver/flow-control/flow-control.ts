import type { FlowSchema, PriorityLevelConfiguration } from '../../api/gen/flowcontrol-v1.ts';
import { ApiError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { serverContext } from '../bootstrap/context.ts';
import type { Exchange } from '../http/exchange.ts';
import type { RequestInfo } from '../http/request-info.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';
import { distinguisher, schemaMatches } from './classify.ts';
import { createPriorityLevel, type LevelLimits, type PriorityLevel } from './priority-level.ts';

const group = 'flowcontrol.apiserver.k8s.io';

/** Requests at once over all limited levels: upstream's 400 + 200 in flight. */
const usualSeats = 600;

/** A quarter of the time that a request has. */
const waitMs = 15_000;

/** Conditions are written a little later, many at once. */
const statusDelayMs = 1_000;

const longRunning = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export interface FlowControl {
  start(): Promise<void>;
  stop(): void;
  /**
   * Takes a seat for a request and marks its answer with its flow schema and priority level. Undefined: go on, and `leave`
   * nothing. A function: go on, and call it when the request is served. Rejects with an ApiError (429).
   */
  enter(exchange: Exchange, user: UserInfo, info: RequestInfo): undefined | (() => void) | Promise<() => void>;
}

interface Level {
  readonly uid: string;
  /** Undefined: exempt. */
  level: PriorityLevel | undefined;
}

interface Schema {
  readonly name: string;
  readonly uid: string;
  readonly schema: FlowSchema;
  readonly level: Level;
  /** What the answer to every request in it says of it. */
  readonly headers: Readonly<Record<string, string>>;
}

function limitsOf({ spec }: PriorityLevelConfiguration, shares: number, totalSeats: number): LevelLimits {
  const limited = spec?.limited;
  const queuing = limited?.limitResponse?.type === 'Queue' ? limited.limitResponse.queuing : undefined;
  return {
    seats: Math.ceil((totalSeats * sharesOf({ spec } as PriorityLevelConfiguration)) / Math.max(1, shares)),
    queues: limited?.limitResponse?.type === 'Queue' ? (queuing?.queues ?? 64) : 0,
    handSize: queuing?.handSize ?? 8,
    queueLength: queuing?.queueLengthLimit ?? 50,
  };
}

const sharesOf = ({ spec }: PriorityLevelConfiguration): number =>
  spec?.type === 'Exempt'
    ? (spec.exempt?.nominalConcurrencyShares ?? 0)
    : (spec?.limited?.nominalConcurrencyShares ?? 30);

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
      const limits = limitsOf(configuration, shares, totalSeats);
      const known = levels.get(name);
      const before = known?.uid === uid ? known : undefined;
      before?.level?.limit(limits);
      const exempt = configuration.spec?.type === 'Exempt';
      const level = exempt ? undefined : (before?.level ?? createPriorityLevel(limits, waitMs));
      if (before) before.level = level;
      else levels.set(name, { uid, level });
    }
    for (const name of levels.keys()) if (!configurations.has(name)) levels.delete(name);
  };

  const arrange = (): void => {
    arrangeLevels();
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
        return [{ name, uid, schema, level, headers }];
      })
      .sort((a, b) => precedence(a.schema) - precedence(b.schema) || (a.name < b.name ? -1 : 1));
    statusTimer ??= setTimeout(() => {
      statusTimer = undefined;
      void writeConditions().catch((error: unknown) =>
        log.warn('the conditions of a flow schema cannot be written', { error: messageOf(error) }),
      );
    }, statusDelayMs).unref();
  };

  /** What the `Dangling` condition of a schema is to say. */
  const conditionOf = ({ spec }: FlowSchema): { status: string; reason: string; message: string } => {
    const name = spec?.priorityLevelConfiguration.name ?? '';
    const about = `This FlowSchema references the PriorityLevelConfiguration object named "${name}"`;
    return configurations.has(name)
      ? { status: 'False', reason: 'Found', message: `${about} and it exists` }
      : { status: 'True', reason: 'NotFound', message: `${about} but there is no such object` };
  };

  const upToDate = (schema: FlowSchema): boolean => {
    const wanted = conditionOf(schema);
    const found = schema.status?.conditions?.find((condition) => condition.type === 'Dangling');
    return found?.status === wanted.status && found.reason === wanted.reason && found.message === wanted.message;
  };

  const writeConditions = async (): Promise<void> => {
    for (const [name, schema] of [...schemas]) {
      if (upToDate(schema)) continue;
      const place = { namespace: '', name };
      await registry
        .store(group, 'flowschemas')
        .modify({ context: serverContext, place, subresource: 'status' }, (draft) => {
          const object = draft as unknown as FlowSchema;
          if (upToDate(object)) return undefined;
          const others = (object.status?.conditions ?? []).filter((condition) => condition.type !== 'Dangling');
          const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
          object.status = { conditions: [...others, { type: 'Dangling', lastTransitionTime, ...conditionOf(object) }] };
          return draft;
        });
    }
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

  return {
    async start() {
      await follow('prioritylevelconfigurations', configurations);
      await follow('flowschemas', schemas);
    },
    stop() {
      clearTimeout(statusTimer);
      for (const mirror of mirrors) mirror.stop();
    },
    enter(exchange, user, info) {
      if (longRunning.has(info.subresource) || info.verb === 'proxy') return undefined;
      const schema = schemaFor(user, info);
      if (!schema) return undefined;
      exchange.added = schema.headers;
      const { level } = schema.level;
      if (!level) return undefined;
      const waiting = level.enter(`${schema.name}\0${distinguisher(schema.schema, user, info)}`);
      if (!waiting) return level.leave;
      return waiting.then(
        () => level.leave,
        () => {
          throw refused();
        },
      );
    },
  };
}
