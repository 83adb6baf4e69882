import { jwks, type TokenKey } from '../authn/jwt.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { FlowControl } from '../flow-control/flow-control.ts';
import { renderProcess } from '../metrics/process.ts';
import type { RequestMetrics } from '../metrics/requests.ts';
import type { Maybe } from '../registry/types.ts';
import { versionInfo } from '../version.ts';
import type { Answer, Call, Handler } from './call.ts';
import { noSuchResource, notAllowed } from './dispatch.ts';
import type { Health } from './health.ts';

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
}

const ownPaths = [
  '/.well-known/openid-configuration',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/version',
];

const json = (object: object, headers?: Record<string, string>): Answer => ({
  kind: 'bytes',
  status: 200,
  type: 'application/json',
  body: JSON.stringify(object),
  headers,
});

export const pageNotFound = (): Answer => ({
  kind: 'bytes',
  status: 404,
  type: 'text/plain; charset=utf-8',
  body: '404 page not found\n',
  headers: { 'x-content-type-options': 'nosniff' },
});

/** A version that a known group does not have is told as a Status, a group that nobody knows as a page. */
function unserved(path: string, discovery: Discovery): Answer {
  const [prefix, group = '', version] = path.split('/').filter((part) => part !== '');
  const known =
    prefix === 'api' ? group !== '' : version !== undefined && discovery.groups().some((g) => g.name === group);
  if (known) throw noSuchResource();
  return pageNotFound();
}

/** Paths that are no resources. */
export function createRoot(options: RootOptions): Handler {
  const { discovery, health, metrics, tokenKeys } = options;
  const startedAt = Date.now();
  const cacheable = { 'cache-control': 'public, max-age=3600' };

  const fixed: Readonly<Record<string, (call: Call) => Answer>> = {
    '/': () => json({ paths: [...new Set([...discovery.paths(), ...health.paths(), ...ownPaths])].sort() }),
    '/version': () => json(versionInfo()),
    '/metrics': () => ({
      kind: 'bytes',
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: metrics.render() + options.flowControl.metrics() + options.moreMetrics() + renderProcess(startedAt),
    }),
    '/.well-known/openid-configuration': () =>
      json(
        {
          issuer: options.issuer,
          jwks_uri: options.jwksUri(),
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: [...new Set(tokenKeys.map((key) => key.algorithm))],
        },
        cacheable,
      ),
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
    if (call.method !== 'GET' && call.method !== 'HEAD') {
      if (fixed[path] || discovery.answer(call)) throw notAllowed();
      return pageNotFound();
    }
    const found = fixed[path] ?? fixed[path.replace(/\/+$/, '')];
    if (found) return found(call);
    if (path.startsWith('/api')) return options.elsewhere(call) ?? discovery.answer(call) ?? unserved(path, discovery);
    const dump = options.flowControl.dump(path);
    if (dump !== undefined) return { kind: 'bytes', status: 200, type: 'text/plain; charset=utf-8', body: dump };
    return health.answer(call) ?? options.openapi(call) ?? pageNotFound();
  };
}
