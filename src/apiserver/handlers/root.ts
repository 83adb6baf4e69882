import { jwks, type TokenKey } from '../authn/jwt.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { isBuiltinGroup } from '../discovery/model.ts';
import type { FlowControl } from '../flow-control/flow-control.ts';
import { jsonText } from '../http/encode.ts';
import { headerOf } from '../http/exchange.ts';
import { type Endpoint, endpoints, negotiate } from '../http/negotiate.ts';
import { createProcessMetrics } from '../metrics/process.ts';
import type { RequestMetrics } from '../metrics/requests.ts';
import type { Maybe } from '../registry/types.ts';
import { versionInfo } from '../version.ts';
import { type Answer, type Call, type Handler, plainText } from './call.ts';
import type { Health } from './health.ts';
import { noSuchResource, notAllowed } from './router-errors.ts';
import { createZPages } from './zpages.ts';

export interface RootOptions {
  discovery: Discovery;
  health: Health;
  metrics: RequestMetrics;
  openapi: (call: Call) => Maybe<Answer> | undefined;
  issuer: string;
  /** Paths under `/apis/{group}/{version}` that an aggregated server answers. */
  elsewhere: (call: Call) => Maybe<Answer> | undefined;
  /** Where `/openid/v1/jwks` can be fetched from outside. */
  jwksUri: () => string;
  tokenKeys: readonly TokenKey[];
  flowControl: Pick<FlowControl, 'dump' | 'metrics'>;
  /** Further metrics, in the text format of Prometheus. */
  moreMetrics: () => string;
  /** What the server was started with; without it there is no `/flagz`. */
  flags: ReadonlyMap<string, readonly string[]> | undefined;
}

const ownPaths = [
  '/.well-known/openid-configuration',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/statusz',
  '/version',
];

const prometheus = (body: string): Answer => ({
  kind: 'bytes',
  status: 200,
  type: 'text/plain; version=0.0.4; charset=utf-8',
  body,
});

const readable = (object: object): Answer => ({
  kind: 'bytes',
  status: 200,
  type: 'application/json',
  body: jsonText(object, true),
});

export const pageNotFound = (): Answer => plainText(404, '404 page not found\n');

/** A version that a known group does not have is told as a Status, a group that nobody knows as a page. */
function unserved(path: string): Answer {
  const [prefix, group = '', version] = path.split('/').filter((part) => part !== '');
  if (prefix === 'api' ? group !== '' : version !== undefined && isBuiltinGroup(group)) throw noSuchResource();
  return pageNotFound();
}

/** Paths that a router answers, a GET and nothing else, with a slash at their end or without; all others take any method. */
function isRouted(path: string): boolean {
  const [prefix, group = '', version] = path.split('/').filter((part) => part !== '');
  if (prefix === 'api') return true;
  return prefix === 'apis' && version !== undefined && isBuiltinGroup(group);
}

const onlyJson: Endpoint = { ...endpoints.routed, routed: ['application/json'] };

/** Paths that are no resources. */
export function createRoot(options: RootOptions): Handler {
  const { discovery, health, metrics, tokenKeys } = options;
  const startedAt = Date.now();
  const ownProcess = createProcessMetrics(startedAt);
  const cacheable = { 'cache-control': 'public, max-age=3600' };

  const paths = (): string[] =>
    [...new Set([...discovery.paths(), ...health.paths(), ...ownPaths, ...(options.flags ? ['/flagz'] : [])])].sort();
  const index = (): Answer => readable({ paths: paths() });
  const { statusz, flagz } = createZPages({ startedAt, paths, flags: options.flags });
  const exact: Readonly<Record<string, (call: Call) => Maybe<Answer>>> = {
    '/': index,
    '/index.html': index,
    '/metrics': () =>
      prometheus(metrics.render() + options.flowControl.metrics() + options.moreMetrics() + ownProcess.render()),
    '/statusz': statusz,
    ...(flagz ? { '/flagz': flagz } : {}),
    '/metrics/slis': async () => prometheus(await health.metrics()),
  };
  const routed: Readonly<Record<string, () => Answer>> = {
    '/version': () => readable(versionInfo()),
    '/.well-known/openid-configuration': () => ({
      kind: 'bytes',
      status: 200,
      type: 'application/json',
      body: JSON.stringify({
        issuer: options.issuer,
        jwks_uri: options.jwksUri(),
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [...new Set(tokenKeys.map((key) => key.algorithm))],
      }),
      headers: cacheable,
    }),
    '/openid/v1/jwks': () => ({
      kind: 'bytes',
      status: 200,
      type: 'application/jwk-set+json',
      body: JSON.stringify(jwks(tokenKeys)),
      headers: cacheable,
    }),
  };

  return (call) => {
    const { path } = call.info;
    const found = exact[path];
    if (found) return found(call);
    const answer = routed[path.replace(/\/$/, '')];
    if (answer) {
      if (call.method !== 'GET') throw notAllowed();
      if (path.startsWith('/version')) negotiate(headerOf(call.headers, 'accept'), onlyJson);
      return answer();
    }
    if (path.startsWith('/api')) {
      const aggregated = options.elsewhere(call);
      if (aggregated) return aggregated;
      const document = discovery.answer(call);
      if (!document) return unserved(path);
      if (call.method !== 'GET' && isRouted(path)) throw notAllowed();
      return document;
    }
    const dump = options.flowControl.dump(path);
    if (dump !== undefined) return { kind: 'bytes', status: 200, type: 'text/plain; charset=utf-8', body: dump };
    return health.answer(call) ?? options.openapi(call) ?? pageNotFound();
  };
}
