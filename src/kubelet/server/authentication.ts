import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { TokenReview } from '../../api/gen/authentication-v1.ts';
import type { SubjectAccessReview } from '../../api/gen/authorization-v1.ts';
import { subjectaccessreviews, tokenreviews } from '../../api/gen/resources.ts';
import type { Client } from '../../client/client.ts';

export interface Caller {
  name: string;
  uid?: string | undefined;
  groups: readonly string[];
}

/** Answers who asks (undefined: nobody that is believed) and whether they may. */
export interface Gate {
  caller(request: IncomingMessage): Promise<Caller | undefined>;
  allowed(caller: Caller, method: string, path: string): Promise<boolean>;
}

const verbs: Record<string, string> = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const areas: readonly [string, string][] = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  ['/logs', 'log'],
];
/** Paths with a subresource of their own; who may not have that may still have `proxy`. */
const fine: readonly [string, string][] = [
  ['/pods', 'pods'],
  ['/runningpods', 'pods'],
  ['/healthz', 'healthz'],
  ['/configz', 'configz'],
];
const below = (path: string, root: string): boolean => path === root || path.startsWith(`${root}/`);

/** Which subresources of `nodes` a path asks for; any of them is enough. */
export function subresourcesOf(path: string): string[] {
  const own = fine.filter(([root]) => below(path, root)).map(([, name]) => name);
  return [...own, areas.find(([root]) => below(path, root))?.[1] ?? 'proxy'];
}

const allowedMs = 300_000;
const deniedMs = 30_000;
const tokenMs = 120_000;
const maxCached = 1000;

export function createGate(options: { client: Client; nodeName: string; now?: () => number }): Gate {
  const { client, nodeName, now = Date.now } = options;
  const decisions = new Map<string, { value: boolean; until: number }>();
  const tokens = new Map<string, { value: Caller | undefined; until: number }>();

  const cached = async <T>(
    cache: Map<string, { value: T; until: number }>,
    key: string,
    ask: () => Promise<T>,
    keepMs: (value: T) => number,
  ): Promise<T> => {
    const known = cache.get(key);
    if (known && known.until > now()) return known.value;
    const value = await ask();
    if (cache.size >= maxCached) cache.clear();
    cache.set(key, { value, until: now() + keepMs(value) });
    return value;
  };

  const byToken = (token: string): Promise<Caller | undefined> =>
    cached(
      tokens,
      token,
      async () => {
        const review: TokenReview = await client.create(tokenreviews, { metadata: {}, spec: { token } });
        const user = review.status?.user;
        if (!review.status?.authenticated || !user?.username) return undefined;
        return { name: user.username, uid: user.uid, groups: user.groups ?? [] };
      },
      () => tokenMs,
    );

  return {
    async caller(request) {
      const socket = request.socket as TLSSocket;
      if (socket.authorized) {
        const subject = socket.getPeerCertificate().subject;
        const groups = subject.O as unknown as string | string[] | undefined;
        const list = groups === undefined ? [] : Array.isArray(groups) ? groups : [groups];
        return { name: String(subject.CN), groups: [...list, 'system:authenticated'] };
      }
      const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
      return bearer === undefined ? undefined : byToken(bearer);
    },
    async allowed(caller, method, path) {
      if (caller.groups.includes('system:masters')) return true;
      const verb = verbs[method] ?? method.toLowerCase();
      for (const subresource of subresourcesOf(path)) {
        const review: SubjectAccessReview = {
          metadata: {},
          spec: {
            user: caller.name,
            ...(caller.uid ? { uid: caller.uid } : {}),
            groups: [...caller.groups],
            resourceAttributes: { group: '', version: 'v1', resource: 'nodes', name: nodeName, subresource, verb },
          },
        };
        const yes = await cached(
          decisions,
          JSON.stringify(review.spec),
          async () => (await client.create(subjectaccessreviews, review)).status?.allowed === true,
          (value) => (value ? allowedMs : deniedMs),
        );
        if (yes) return true;
      }
      return false;
    },
  };
}
