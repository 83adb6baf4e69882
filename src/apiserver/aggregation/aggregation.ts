import type { APIService, APIServiceCondition } from '../../api/gen/apiregistration-v1.ts';
import { isApiError, serviceUnavailable } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { serverContext, serverUser } from '../bootstrap/context.ts';
import { relayExchange, relayUpgrade, type Upgrade } from '../connect/relay.ts';
import type { DiscoveryGroup, DiscoveryResource } from '../discovery/model.ts';
import type { Answer, Call } from '../handlers/call.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { Registry } from '../registry/types.ts';
import type { Dialer } from '../server.ts';
import { fetchJson } from './fetch.ts';
import { type ProxyClient, remoteTarget, userHeaders } from './remote.ts';

const group = 'apiregistration.k8s.io';

/** How often aggregated servers are looked at. */
const lookEveryMs = 30_000;

export interface Aggregation {
  start(): Promise<void>;
  stop(): void;
  /** Relays what an aggregated server answers for; undefined when no APIService names one. */
  answer(call: Call): Promise<Answer> | undefined;
  /** What the reachable aggregated servers serve. */
  groups(): readonly DiscoveryGroup[];
}

export interface AggregationOptions {
  registry: Registry;
  dial: Dialer;
  client: ProxyClient | undefined;
  upgradeOf: (call: Call) => Upgrade | undefined;
  /** What is served has changed. */
  changed: () => void;
  log: Logger;
}

interface Remote {
  readonly service: APIService;
  resources: readonly DiscoveryResource[] | undefined;
}

interface PlainResource {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  group?: string;
  version?: string;
}

function resourcesOf(list: unknown): DiscoveryResource[] {
  const all = ((list as { resources?: PlainResource[] } | null)?.resources ?? []) as PlainResource[];
  return all
    .filter(({ name }) => !name.includes('/'))
    .map((r) => ({
      resource: r.name,
      singular: r.singularName ?? '',
      kind: r.kind,
      namespaced: r.namespaced,
      verbs: r.verbs,
      shortNames: r.shortNames ?? [],
      categories: r.categories ?? [],
      storageVersionHash: undefined,
      subresources: all
        .filter(({ name }) => name.startsWith(`${r.name}/`))
        .map((s) => ({
          name: s.name.slice(r.name.length + 1),
          kind: { group: s.group ?? '', version: s.version ?? '', kind: s.kind },
          verbs: s.verbs,
        })),
    }));
}

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** API groups that other servers answer for, behind this one. */
export function createAggregation(options: AggregationOptions): Aggregation {
  const { registry, dial, client, log } = options;
  /** By `group/version`. */
  const remotes = new Map<string, Remote>();
  let mirror: Mirror | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const setAvailable = async (
    name: string,
    condition: Omit<APIServiceCondition, 'lastTransitionTime' | 'type'>,
  ): Promise<void> => {
    try {
      await registry
        .store(group, 'apiservices')
        .modify({ context: serverContext, place: { namespace: '', name }, subresource: 'status' }, (draft) => {
          const service = draft as unknown as APIService;
          const old = service.status?.conditions?.find((c) => c.type === 'Available');
          if (
            old &&
            old.status === condition.status &&
            old.reason === condition.reason &&
            old.message === condition.message
          )
            return undefined;
          const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now();
          service.status = {
            conditions: [
              ...(service.status?.conditions ?? []).filter((c) => c.type !== 'Available'),
              { type: 'Available', ...condition, lastTransitionTime },
            ],
          };
          return draft;
        });
    } catch (error) {
      if (!isApiError(error, 'NotFound'))
        log.warn('the status of an APIService cannot be written', { name, error: messageOf(error) });
    }
  };

  const look = async (key: string, remote: Remote): Promise<void> => {
    const name = remote.service.metadata?.name ?? '';
    const before = JSON.stringify(remote.resources);
    try {
      const target = await remoteTarget(registry, remote.service, client);
      remote.resources = resourcesOf(await fetchJson(dial, target, `/apis/${key}`, userHeaders(serverUser)));
      await setAvailable(name, { status: 'True', reason: 'Passed', message: 'all checks passed' });
    } catch (error) {
      remote.resources = undefined;
      const { name: service = '', namespace = '' } = remote.service.spec?.service ?? {};
      const missing = isApiError(error, 'NotFound');
      await setAvailable(name, {
        status: 'False',
        reason: missing ? 'ServiceNotFound' : 'FailedDiscoveryCheck',
        message: missing
          ? `service/${service} in "${namespace}" is not present`
          : `failing or missing response from https://${service}.${namespace}.svc/apis/${key}: ${messageOf(error)}`,
      });
    }
    if (JSON.stringify(remote.resources) !== before) options.changed();
  };

  const lookAtAll = async (): Promise<void> => {
    await Promise.all([...remotes].map(([key, remote]) => look(key, remote)));
    if (stopped) return;
    timer = setTimeout(() => void lookAtAll(), lookEveryMs);
    timer.unref();
  };

  return {
    groups() {
      const found = new Map<string, DiscoveryGroup>();
      for (const [key, { resources }] of remotes) {
        if (!resources) continue;
        const [name = '', version = ''] = key.split('/');
        const versions = [...(found.get(name)?.versions ?? []), { version, resources, freshness: 'Current' as const }];
        found.set(name, { name, versions });
      }
      return [...found.values()];
    },
    answer(call) {
      const { info } = call;
      const [, , ofGroup = '', version = ''] = info.path.split('/');
      const remote = remotes.get(`${ofGroup}/${version}`);
      if (!remote) return undefined;
      return (async (): Promise<Answer> => {
        const target = await remoteTarget(registry, remote.service, client);
        const relay = { dial, target, path: call.url, headers: userHeaders(call.user) };
        const upgrade = options.upgradeOf(call);
        if (upgrade) await relayUpgrade(upgrade, relay);
        else if (call.exchange) await relayExchange(call.exchange, relay);
        else if (call.method === 'GET')
          return {
            kind: 'object',
            status: 200,
            object: (await fetchJson(dial, target, call.url, userHeaders(call.user))) as object,
          };
        else throw serviceUnavailable('writes to aggregated servers from within the process are not supported');
        return { kind: 'taken' };
      })();
    },
    async start() {
      mirror = await createMirror(registry.store(group, 'apiservices'), {
        put(stored) {
          const service = stored.object as unknown as APIService;
          const key = `${service.spec?.group}/${service.spec?.version}`;
          if (!service.spec?.service) {
            remotes.delete(key);
            void setAvailable(stored.name, {
              status: 'True',
              reason: 'Local',
              message: 'Local APIServices are always available',
            });
            return;
          }
          const old = remotes.get(key);
          if (old && JSON.stringify(old.service.spec) === JSON.stringify(service.spec)) return;
          const remote: Remote = { service, resources: undefined };
          remotes.set(key, remote);
          void look(key, remote);
        },
        remove(stored) {
          const { spec } = stored.object as unknown as APIService;
          if (remotes.delete(`${spec?.group}/${spec?.version}`)) options.changed();
        },
      });
      void lookAtAll();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      mirror?.stop();
    },
  };
}
