import { createHash } from 'node:crypto';
import type { Answer, Call } from '../handlers/call.ts';
import { encodeObject, jsonText } from '../http/encode.ts';
import { headerOf } from '../http/exchange.ts';
import { type Endpoint, endpoints, find, isForReading, negotiate } from '../http/negotiate.ts';
import type { ResourceDefinition } from '../registry/types.ts';
import { aggregated, apiGroup, apiGroupList, apiResourceList, apiVersions } from './documents.ts';
import { type DiscoveryGroup, discoveryGroups, isBuiltinGroup } from './model.ts';

export interface Discovery {
  /** `/api`, `/api/v1`, `/apis`, `/apis/{group}` and `/apis/{group}/{version}`; undefined for what is not served. */
  answer(call: Call): Answer | undefined;
  /** Every path of discovery, for the list at `/`. */
  paths(): string[];
  groups(): readonly DiscoveryGroup[];
  /** To be called when what is served has changed. */
  invalidate(): void;
}

export interface DiscoveryOptions {
  definitions: () => readonly ResourceDefinition[];
  serverAddress: () => string;
  /** Groups of aggregated API servers, as last seen. */
  aggregatedGroups?: () => readonly DiscoveryGroup[];
  /** Groups that are listed where nobody serves them. */
  localGroups?: () => readonly DiscoveryGroup[];
}

interface Document {
  body: string;
  etag: string;
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  let groups: readonly DiscoveryGroup[] | undefined;
  const documents = new Map<string, Document>();

  const current = (): readonly DiscoveryGroup[] => {
    groups ??= [...discoveryGroups(options.definitions()), ...(options.aggregatedGroups?.() ?? [])];
    return groups;
  };
  /** With those that are known by name alone. */
  const listed = (): readonly DiscoveryGroup[] => {
    const served = new Set(current().map(({ name }) => name));
    return [...current(), ...(options.localGroups?.() ?? []).filter(({ name }) => !served.has(name))];
  };
  const document = (key: string, make: () => object): Document => {
    let known = documents.get(key);
    if (!known) {
      const body = jsonText(make(), false);
      known = { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
      documents.set(key, known);
    }
    return known;
  };

  const aggregatedAnswer = (call: Call, legacy: boolean): Answer | undefined => {
    const found = find(headerOf(call.headers, 'accept') ?? '', endpoints.discovery);
    if (!found?.as) return undefined;
    const make = (): object =>
      aggregated(
        current().filter((group) => (group.name === '') === legacy),
        'apidiscovery.k8s.io/v2',
      );
    const { body, etag } = document(String(legacy), make);
    const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
    const { encoding, pretty } = found;
    const type = `${found.type};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
    if (headerOf(call.headers, 'if-none-match') === etag)
      return { kind: 'bytes', status: 304, type, body: '', headers };
    const isKept = encoding === 'json' && !pretty && !isForReading(call.url, call.headers);
    return {
      kind: 'bytes',
      status: 200,
      type,
      body: isKept ? body : encodeObject({ ...found, pretty: true }, make()).body,
      headers,
    };
  };

  const plain = (call: Call, key: string, endpoint: Endpoint, make: () => object): Answer => {
    const { encoding, pretty } = negotiate(headerOf(call.headers, 'accept'), endpoint);
    if (encoding === 'json' && !pretty && !isForReading(call.url, call.headers))
      return { kind: 'bytes', status: 200, type: 'application/json', body: document(key, make).body };
    return { kind: 'object', status: 200, object: make() };
  };

  return {
    groups: current,
    invalidate() {
      groups = undefined;
      documents.clear();
    },
    paths: () => [
      '/api',
      '/api/v1',
      '/apis',
      '/apis/',
      ...current()
        .filter((group) => group.name !== '')
        .flatMap((group) => [
          `/apis/${group.name}`,
          ...group.versions.map(({ version }) => `/apis/${group.name}/${version}`),
        ]),
    ],
    answer(call) {
      const [prefix, group = '', version, rest] = call.info.path.split('/').filter((part) => part !== '');
      if (rest !== undefined) return undefined;
      if (prefix === 'api') {
        if (group === '')
          return (
            aggregatedAnswer(call, true) ??
            plain(call, '/api', endpoints.routed, () => apiVersions(options.serverAddress()))
          );
        const core = current().find((g) => g.name === '');
        const found = version === undefined ? core?.versions.find((v) => v.version === group) : undefined;
        return found && plain(call, `/api/${group}`, endpoints.routed, () => apiResourceList('', found));
      }
      if (group === '')
        return aggregatedAnswer(call, false) ?? plain(call, '/apis', endpoints.plain, () => apiGroupList(listed()));
      const found = (version === undefined ? listed() : current()).find((g) => g.name === group);
      if (!found) return undefined;
      if (version === undefined) return plain(call, `/apis/${group}`, endpoints.plain, () => apiGroup(found));
      const foundVersion = found.versions.find((v) => v.version === version);
      return (
        foundVersion &&
        plain(call, `/apis/${group}/${version}`, isBuiltinGroup(group) ? endpoints.routed : endpoints.plain, () =>
          apiResourceList(group, foundVersion),
        )
      );
    },
  };
}
