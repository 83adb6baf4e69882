import { readFile } from 'node:fs/promises';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type FollowedFile, followFile } from '../configuration/follow-file.ts';
import type { AuthorizerMetrics } from '../metrics/authorizers.ts';
import type { ReloadMetrics } from '../metrics/reloads.ts';
import { openRemoteService, type RemoteService } from '../remote/service.ts';
import type { UserInfo } from '../server.ts';
import { type Authorizer, type Decision, unionAuthorizer } from './authorizer.ts';
import { type AuthorizerSettings, parseAuthorizationConfiguration } from './configuration.ts';
import { nodeOf } from './node.ts';
import { createWebhookAuthorizer } from './webhook.ts';

/** Who decides, in order: given at once, or in a file that is followed. */
export type AuthorizationSettings =
  | { readonly authorizers: readonly AuthorizerSettings[] }
  | { readonly configFile: string };

export interface AuthorizerChain extends Authorizer {
  /** Reads the file and the kubeconfigs of webhooks. Throws KnarrError when one cannot be used. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Why not all rules of a user can be listed. */
  unresolved(user: UserInfo): readonly string[];
}

interface Row {
  readonly authorizer: Authorizer;
  readonly types: ReadonlySet<string>;
  readonly services: readonly RemoteService[];
}

const always = (decision: Decision): Authorizer => ({ authorize: () => decision });

const fixed: Readonly<Record<string, Authorizer>> = {
  AlwaysAllow: always({ allowed: true, reason: '' }),
  AlwaysDeny: always({ allowed: false, reason: 'Everything is forbidden.' }),
};

/** Node and RBAC, or the row that settings name. */
export function createAuthorizerChain(options: {
  own: { readonly Node: Authorizer; readonly RBAC: Authorizer };
  settings: AuthorizationSettings | undefined;
  metrics: AuthorizerMetrics;
  reloads: ReloadMetrics;
  log: Logger;
}): AuthorizerChain {
  const { own, settings, metrics, reloads, log } = options;
  const builtIn = (type: string, authorizer: Authorizer): Authorizer =>
    metrics.counted(type, type.toLowerCase(), authorizer);
  let row: Row = {
    authorizer: unionAuthorizer(settings === undefined ? [builtIn('Node', own.Node), builtIn('RBAC', own.RBAC)] : []),
    types: new Set(settings === undefined ? ['Node', 'RBAC'] : []),
    services: [],
  };
  let file: FollowedFile | undefined;

  const rowOf = async (list: readonly AuthorizerSettings[]): Promise<Row> => {
    const services: RemoteService[] = [];
    const authorizers: Authorizer[] = [];
    for (const one of list) {
      if (one.type === 'ABAC')
        throw new Error('authorizer type ABAC is not supported: write Roles and bindings, and use RBAC');
      if (one.type === 'Webhook') {
        const { kubeconfig, timeoutMs } = one.webhook;
        const service = await openRemoteService({ kubeconfig, timeoutMs });
        services.push(service);
        const webhook = createWebhookAuthorizer({ name: one.name, settings: one.webhook, service, metrics, log });
        authorizers.push(metrics.counted('Webhook', one.name, webhook));
      } else {
        const authorizer = own[one.type as 'Node' | 'RBAC'] ?? (fixed[one.type] as Authorizer);
        authorizers.push(builtIn(one.type, authorizer));
      }
    }
    return { authorizer: unionAuthorizer(authorizers), types: new Set(list.map(({ type }) => type)), services };
  };
  const take = async (list: readonly AuthorizerSettings[]): Promise<void> => {
    const before = row;
    row = await rowOf(list);
    for (const service of before.services) service.close();
  };
  const refuse = (error: unknown, path: string): KnarrError =>
    new KnarrError({
      code: 'authorization-config',
      blame: 'user',
      message: `the authorization configuration${path === '' ? '' : ` ${path}`} cannot be used: ${messageOf(error)}`,
    });

  return {
    async start() {
      if (settings === undefined) return;
      if ('authorizers' in settings) {
        await take(settings.authorizers).catch((error: unknown) => {
          throw refuse(error, '');
        });
        return;
      }
      const path = settings.configFile;
      try {
        const text = await readFile(path, 'utf8');
        await take(await parseAuthorizationConfiguration(text));
        const needed = [...row.types].filter((type) => type !== 'Webhook');
        const changed = async (next: string): Promise<void> => {
          const list = await parseAuthorizationConfiguration(next);
          const missing = needed.filter((type) => !list.some((one) => one.type === type)).sort();
          if (missing.length > 0) throw new Error(`missing required types: [${missing.join(' ')}]`);
          for (const { type } of list)
            if ((type === 'Node' || type === 'RBAC') && !needed.includes(type))
              throw new Error(`authorizer type ${type} is not allowed if it was not enabled at initial server startup`);
          await take(list);
        };
        reloads.loaded(text);
        file = followFile({ path, text, changed, told: reloads.reloaded, log });
      } catch (error) {
        throw refuse(error, path);
      }
    },
    async stop() {
      await file?.stop();
      for (const service of row.services) service.close();
    },
    authorize: (user, attributes) => row.authorizer.authorize(user, attributes),
    unresolved: (user) =>
      [...row.types]
        .filter((type) => type === 'Webhook' || (type === 'Node' && nodeOf(user) !== undefined))
        .map((type) => `${type.toLowerCase()} authorizer does not support user rule resolution`),
  };
}
