import { createHash } from 'node:crypto';
import { type OperationFact, readOperationFacts, readTypeFacts, type TypeFact } from '../../api/openapi-facts.ts';
import { readDescriptions } from '../descriptions.ts';
import type { Answer, Call } from '../handlers/call.ts';
import { headerOf } from '../http/exchange.ts';
import type { ResourceDefinition } from '../registry/types.ts';
import { gitVersion } from '../version.ts';
import { publishedTypes } from './published-types.ts';
import type { Dialect } from './schema.ts';
import { documentV2, type SwaggerDocument } from './v2.ts';
import { documentV3 } from './v3.ts';

/** What somebody adds to the published API at run time: the group versions of custom resources. */
export interface OpenApiAddition {
  /** `apis/example.com/v1`. */
  readonly path: string;
  readonly operations: readonly OperationFact[];
  readonly types: Readonly<Record<Dialect, Readonly<Record<string, TypeFact>>>>;
}

export interface OpenApi {
  answer(call: Call): Promise<Answer> | Answer | undefined;
}

export interface OpenApiOptions {
  /** The resources that are served: the facts know more. */
  definitions: () => readonly Pick<ResourceDefinition, 'group' | 'versions'>[];
  additions: () => readonly OpenApiAddition[];
  aggregated: {
    paths(): Record<string, { serverRelativeURL: string }>;
    document(call: Call, name: string): Promise<Answer> | undefined;
    addTo(document: SwaggerDocument): Promise<void>;
  };
}

/** `/apis/apps/v1/…` belongs to the document `apis/apps/v1`, `/version/` to `version`. */
export function documentOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts[0] === 'apis') return parts.slice(0, 3).join('/');
  if (parts[0] === 'api') return parts.slice(0, 2).join('/');
  return parts[0] === '.well-known' || parts[0] === 'openid' ? parts.join('/') : (parts[0] ?? '');
}

const hashOf = (text: string): string => createHash('sha512').update(text).digest('hex').toUpperCase();

/** CBOR is alpha and off. */
const servedOnly = (types: string[] | null): string[] | null => types?.filter((type) => !type.includes('cbor')) ?? null;
const withServedTypes = (operation: OperationFact): OperationFact => ({
  ...operation,
  consumes: servedOnly(operation.consumes),
  produces: servedOnly(operation.produces),
});

type Gvk = NonNullable<OperationFact['gvk']>;

/** The OpenAPI name of a kind, or of its list. */
function kindIndex(types: Readonly<Record<string, TypeFact>>): (gvk: Gvk, list: boolean) => string | undefined {
  const byKind = new Map<string, string>();
  for (const [name, fact] of Object.entries(types))
    for (const gvk of (fact['x-kubernetes-group-version-kind'] ?? []) as Gvk[])
      byKind.set(`${gvk.group}/${gvk.version}/${gvk.kind}`, name);
  return (gvk, list) => byKind.get(`${gvk.group}/${gvk.version}/${gvk.kind}${list ? 'List' : ''}`);
}

/** The older name has a character that no media type may have: it may be asked for, but is not answered with. */
const v2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const v2ProtobufAsked = /application\/com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/;

/** `/openapi/v2` and `/openapi/v3`; documents are written when asked for and not kept. */
export function createOpenApi(options: OpenApiOptions): OpenApi {
  /** The operations of the built-in API, of the group versions that are served. */
  const builtinOperations = async (): Promise<OperationFact[]> => {
    const definitions = options.definitions();
    const served = new Set(
      definitions.flatMap(({ group, versions }) => [
        group,
        ...versions.filter(({ served }) => served).map(({ version }) => `${group}/${version}`),
      ]),
    );
    return (await readOperationFacts())
      .filter(({ path }) => {
        const [prefix, group, version] = path.split('/').filter((part) => part !== '');
        if (prefix !== 'apis' || group === undefined) return !path.startsWith('/logs');
        return served.has(version === undefined ? group : `${group}/${version}`);
      })
      .map(withServedTypes);
  };

  const index = async (): Promise<Answer> => {
    const names = new Set((await builtinOperations()).map((operation) => documentOf(operation.path)));
    const paths: Record<string, { serverRelativeURL: string }> = {};
    const put = (path: string, hash: string): void => {
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    };
    for (const name of [...names].sort()) put(name, hashOf(`${gitVersion} ${name}`));
    for (const addition of options.additions()) put(addition.path, hashOf(JSON.stringify(addition)));
    Object.assign(paths, options.aggregated.paths());
    return { kind: 'bytes', status: 200, type: 'application/json', body: JSON.stringify({ paths }) };
  };

  const document = async (call: Call, name: string): Promise<Answer> => {
    const added = options.additions().find((addition) => addition.path === name);
    const operations = added?.operations ?? (await builtinOperations()).filter((o) => documentOf(o.path) === name);
    if (operations.length === 0) return options.aggregated.document(call, name) ?? notFound;
    const hash = hashOf(added ? JSON.stringify(added) : `${gitVersion} ${name}`);
    const etag = `"${hash}"`;
    const cached: Record<string, string> =
      call.query.get('hash') === hash
        ? { 'cache-control': 'public, immutable', expires: new Date(Date.now() + 365 * 86_400_000).toUTCString() }
        : {};
    const headers = { etag, vary: 'Accept', ...cached };
    if (headerOf(call.headers, 'if-none-match') === etag)
      return { kind: 'bytes', status: 304, type: 'application/json', body: '', headers };
    const builtin = await publishedTypes(await readTypeFacts(), 'v3');
    const types = added ? { ...builtin, ...added.types.v3 } : builtin;
    const describe = await readDescriptions(types);
    const body = JSON.stringify(documentV3({ name, operations, types, typeOf: kindIndex(types), describe }));
    return { kind: 'bytes', status: 200, type: 'application/json', body, headers };
  };

  const version2 = async (call: Call): Promise<Answer> => {
    const additions = options.additions();
    const wanted = headerOf(call.headers, 'accept') ?? '';
    const asProtobuf = v2ProtobufAsked.test(wanted);
    const etag = `"${hashOf(`${gitVersion} ${asProtobuf} ${JSON.stringify(additions)}`)}"`;
    const headers = { etag, vary: 'Accept' };
    if (headerOf(call.headers, 'if-none-match') === etag)
      return { kind: 'bytes', status: 304, type: 'application/json', body: '', headers };
    const builtin = await publishedTypes(await readTypeFacts(), 'v2');
    const types = Object.assign(builtin, ...additions.map((addition) => addition.types.v2));
    const operations = [...(await builtinOperations()), ...additions.flatMap((addition) => addition.operations)];
    const describe = await readDescriptions(types);
    const value = documentV2({ operations, types, typeOf: kindIndex(types), describe });
    await options.aggregated.addTo(value);
    if (asProtobuf) {
      const { encodeOpenApiV2 } = await import('./v2-protobuf.ts');
      return { kind: 'bytes', status: 200, type: v2Protobuf, body: encodeOpenApiV2(value), headers };
    }
    return { kind: 'bytes', status: 200, type: 'application/json', body: JSON.stringify(value), headers };
  };

  return {
    answer(call) {
      const { path } = call.info;
      if (path === '/openapi/v3') return index();
      if (path === '/openapi/v2') return version2(call);
      if (path.startsWith('/openapi/v3/')) return document(call, path.slice('/openapi/v3/'.length));
      return undefined;
    },
  };
}

const notFound: Answer = {
  kind: 'bytes',
  status: 404,
  type: '',
  body: '',
};
