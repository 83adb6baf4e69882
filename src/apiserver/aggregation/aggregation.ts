import type { APIService, APIServiceSpec } from '../../api/gen/apiregistration-v1.ts';
import { isApiError } from '../../api/status.ts';
import { createBackoff } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { jsonLines } from '../../client/json-lines.ts';
import { serverUser } from '../bootstrap/context.ts';
import { relayExchange, relayUpgrade, type Upgrade } from '../connect/relay.ts';
import { compareVersions, type DiscoveryGroup, type DiscoveryResource } from '../discovery/model.ts';
import { type Answer, type Call, plainText } from '../handlers/call.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { SwaggerDocument } from '../openapi/v2.ts';
import type { Registry } from '../registry/types.ts';
import type { Dialer } from '../server.ts';
import { ask, askWhole, fetchJson, type Question } from './ask.ts';
import { type Availability, local, missing, passed, setAvailable } from './availability.ts';
import { addGroup, pathsOfGroup } from './openapi.ts';
import { type ProxyClient, remoteTarget, userHeaders } from './remote.ts';
import { resourcesOf } from './resources.ts';

const group = 'apiregistration.k8s.io';

/** What is told of a server that does not answer, as upstream tells it. */
const unavailable = plainText(503, 'service unavailable\n');

/** How often aggregated servers that answer are looked at. */
const lookEveryMs = 30_000;

export interface Aggregation {
  start(): Promise<void>;
  stop(): void;
  /** Relays what an aggregated server answers for; undefined when no APIService names one. */
  answer(call: Call): Promise<Answer> | undefined;
  /** What the aggregated servers serve, as last seen. */
  groups(): readonly DiscoveryGroup[];
  /** What APIServices say that this server serves itself, whether it does or not. */
  localGroups(): readonly DiscoveryGroup[];
  readonly openapi: AggregatedOpenApi;
  /** By name of the APIService. */
  availability(): ReadonlyMap<string, boolean>;
}

export interface AggregatedOpenApi {
  /** Entries for the index at `/openapi/v3`. */
  paths(): Record<string, { serverRelativeURL: string }>;
  /** Relays the document at `/openapi/v3/NAME`; undefined when no aggregated server has it. */
  document(call: Call, name: string): Promise<Answer> | undefined;
  /** Adds what the aggregated servers publish to the document of `/openapi/v2`. */
  addTo(document: SwaggerDocument): Promise<void>;
}

export interface AggregationOptions {
  registry: Registry;
  dial: Dialer;
  client: ProxyClient | undefined;
  upgradeOf: (call: Call) => Upgrade | undefined;
  /** What is served has changed. */
  changed: () => void;
  /** Hears of each call whose server cannot be reached. */
  unreachable: (call: Call) => void;
  log: Logger;
}

interface Remote {
  readonly service: APIService;
  readonly backoff: ReturnType<typeof createBackoff>;
  resources: readonly DiscoveryResource[];
  available: boolean;
  openApiPaths: Record<string, { serverRelativeURL: string }>;
  timer?: NodeJS.Timeout;
}

/** API groups that other servers answer for, behind this one. */
export function createAggregation(options: AggregationOptions): Aggregation {
  const { registry, dial, client, log } = options;
  /** By `group/version`. */
  const remotes = new Map<string, Remote>();
  const locals = new Map<string, APIServiceSpec>();
  let mirror: Mirror | undefined;
  let stopped = false;

  const write = (name: string, availability: Availability): Promise<void> =>
    setAvailable(registry, name, availability).catch((error: unknown) => {
      if (!stopped && !isApiError(error, 'NotFound'))
        log.warn('the status of an APIService cannot be written', { name, error: messageOf(error) });
    });

  const question = async (remote: Remote, path: string): Promise<Question> => ({
    dial,
    target: await remoteTarget(registry, remote.service, client),
    path,
    headers: userHeaders(serverUser),
  });

  /** Reads what the server serves; resolves with what keeps it from being available. */
  const read = async (key: string, remote: Remote): Promise<Availability | undefined> => {
    const absent = await missing(registry, remote.service);
    if (absent) return absent;
    try {
      remote.resources = resourcesOf(await fetchJson(await question(remote, `/apis/${key}`)));
    } catch (error) {
      const { name = '', namespace = '' } = remote.service.spec?.service ?? {};
      const message = `failing or missing response from https://${name}.${namespace}.svc/apis/${key}: ${messageOf(error)}`;
      return { status: 'False', reason: 'FailedDiscoveryCheck', message };
    }
    // A server without a description is as good as any.
    const index = await fetchJson(await question(remote, '/openapi/v3')).catch(() => undefined);
    remote.openApiPaths = pathsOfGroup(index, remote.service.spec?.group ?? '');
    return undefined;
  };

  const look = async (key: string, remote: Remote): Promise<void> => {
    const seen = (): string => JSON.stringify([remote.available, remote.resources]);
    const before = seen();
    const problem = await read(key, remote).catch(
      (error: unknown): Availability => ({
        status: 'Unknown',
        reason: 'ServiceAccessError',
        message: messageOf(error),
      }),
    );
    if (stopped || remotes.get(key) !== remote) return;
    remote.available = problem === undefined;
    if (remote.available) remote.backoff.reset();
    if (seen() !== before) options.changed();
    await write(remote.service.metadata?.name ?? '', problem ?? passed);
    if (stopped || remotes.get(key) !== remote) return;
    remote.timer = setTimeout(() => void look(key, remote), problem ? remote.backoff.next() : lookEveryMs);
    remote.timer.unref();
  };

  const forget = (key: string): boolean => {
    clearTimeout(remotes.get(key)?.timer);
    return remotes.delete(key);
  };

  /** The answer for somebody within the process: a value, or the frames of a watch. */
  const answerWithin = async (call: Call, remote: Remote): Promise<Answer> => {
    const body = await call.body();
    const asked: Question = {
      ...(await question(remote, urlOf(call))),
      method: call.method,
      headers: userHeaders(call.user),
      body: body.kind === 'value' ? body.value : undefined,
      contentType: body.contentType,
      signal: call.context.signal,
    };
    if (call.info.verb !== 'watch') {
      const { status, body: object } = await askWhole(asked);
      return { kind: 'object', status, object: object as object };
    }
    const answer = await ask(asked);
    if (answer.statusCode !== 200) throw new Error(`the watch was answered with ${answer.statusCode}`);
    return { kind: 'frames', frames: jsonLines(answer) as AsyncIterable<{ type: string; object: object }> };
  };

  const turnedAway = (call: Call): Answer => {
    options.unreachable(call);
    return unavailable;
  };

  const relay = async (call: Call, remote: Remote): Promise<Answer> => {
    if (!remote.available) return turnedAway(call);
    const upgrade = options.upgradeOf(call);
    if (!upgrade && !call.exchange) return answerWithin(call, remote);
    const target = await remoteTarget(registry, remote.service, client).catch(() => undefined);
    if (!target) return turnedAway(call);
    const request = { dial, target, path: call.url, headers: userHeaders(call.user) };
    if (upgrade) await relayUpgrade(upgrade, request);
    else if (call.exchange) await relayExchange(call.exchange, request);
    return { kind: 'taken' };
  };

  const put = (name: string, service: APIService): void => {
    const key = `${service.spec?.group}/${service.spec?.version}`;
    if (service.spec && !service.spec.service) {
      const isNew = !locals.has(key);
      locals.set(key, service.spec);
      if (forget(key) || isNew) options.changed();
      void write(name, local);
      return;
    }
    locals.delete(key);
    const old = remotes.get(key);
    if (old && JSON.stringify(old.service.spec) === JSON.stringify(service.spec)) return;
    forget(key);
    const backoff = createBackoff({ initialMs: 250, maxMs: lookEveryMs, jitter: 0.1 });
    // What was found out holds until the next look says otherwise.
    const { resources = [], available = false, openApiPaths = {} } = old ?? {};
    const remote: Remote = { service, backoff, resources, available, openApiPaths };
    remotes.set(key, remote);
    options.changed();
    void look(key, remote);
  };

  return {
    groups() {
      const found = new Map<string, DiscoveryGroup>();
      for (const [key, { resources, available }] of remotes) {
        const [name = '', version = ''] = key.split('/');
        const freshness = available ? 'Current' : 'Stale';
        found.set(name, { name, versions: [...(found.get(name)?.versions ?? []), { version, resources, freshness }] });
      }
      const priority = (name: string, version: string): number =>
        remotes.get(`${name}/${version}`)?.service.spec?.versionPriority ?? 0;
      return [...found.values()].map(({ name, versions }) => ({
        name,
        versions: versions.toSorted((a, b) => priority(name, b.version) - priority(name, a.version)),
      }));
    },
    localGroups: () =>
      [...Map.groupBy(locals.values(), ({ group = '' }) => group)].map(([name, specs]) => ({
        name,
        versions: specs
          .map(({ version = '', versionPriority }) => ({ version, versionPriority }))
          .sort((a, b) => b.versionPriority - a.versionPriority || compareVersions(a.version, b.version))
          .map(({ version }) => ({ version, resources: [], freshness: 'Current' })),
      })),
    availability: () =>
      new Map([...remotes.values()].map(({ service, available }) => [service.metadata?.name ?? '', available])),
    openapi: {
      paths: () => Object.assign({}, ...[...remotes.values()].map((remote) => remote.openApiPaths)),
      document(call, name) {
        const remote = [...remotes.values()].find(({ openApiPaths }) => openApiPaths[name] !== undefined);
        return remote && relay(call, remote);
      },
      async addTo(document) {
        const groups = new Map([...remotes.values()].map((remote) => [remote.service.spec?.group ?? '', remote]));
        const others = [...groups].map(async ([name, remote]) => {
          if (!remote.available) return;
          const other = await fetchJson(await question(remote, '/openapi/v2')).catch(() => undefined);
          if (other) addGroup(document, other, name);
        });
        await Promise.all(others);
      },
    },
    answer(call) {
      const [, , ofGroup = '', version = ''] = call.info.path.split('/');
      const remote = remotes.get(`${ofGroup}/${version}`);
      return remote && relay(call, remote);
    },
    async start() {
      mirror = await createMirror(registry.store(group, 'apiservices'), {
        put: (stored) => put(stored.name, stored.object as unknown as APIService),
        remove(stored) {
          const { spec } = stored.object as unknown as APIService;
          const key = `${spec?.group}/${spec?.version}`;
          if (locals.delete(key) || forget(key)) options.changed();
        },
      });
    },
    stop() {
      stopped = true;
      mirror?.stop();
      for (const { timer } of remotes.values()) clearTimeout(timer);
    },
  };
}

/** Path and query of a request from within the process, whose query is kept apart. */
function urlOf({ info, query }: Call): string {
  const text = query.toString();
  return text === '' ? info.path : `${info.path}?${text}`;
}
