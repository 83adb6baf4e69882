/**
 * What a request line says, before any lookup: resource or not, verb, place.
 * Follows upstream's `apiserver/pkg/endpoints/request/requestinfo.go`.
 */
export interface RequestInfo {
  readonly path: string;
  readonly isResource: boolean;
  readonly verb: string;
  readonly prefix: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Path parts from the resource on: `[resource, name, subresource, …]`. */
  readonly parts: readonly string[];
  /** A `/watch/` path: the deprecated way to say `?watch=1`. */
  readonly watchByPath: boolean;
}

const verbOfMethod: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

const namespaceSubresources = new Set(['status', 'finalize']);

function decoded(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** What stands between slashes, be they written as they are or encoded. */
export function splitPath(path: string): string[] {
  return decoded(path)
    .split('/')
    .filter((part, index, all) => part !== '' || (index > 0 && index < all.length - 1));
}

const isTrue = (value: string | null): boolean => value !== null && !['false', '0'].includes(value.toLowerCase());

/** `metadata.name=x` in a field selector, when it is one exact requirement of a name that can stand in a path. */
function exactName(fieldSelector: string | null): string {
  if (!fieldSelector) return '';
  for (const term of fieldSelector.split(',')) {
    const match = /^metadata\.name==?([^=!/%]+)$/.exec(term);
    if (match?.[1] && match[1] !== '.' && match[1] !== '..') return match[1];
  }
  return '';
}

const none = {
  isResource: false,
  prefix: '',
  group: '',
  version: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  parts: [],
  watchByPath: false,
};

/** `path` without the query; `query` is asked only where the verb depends on it. */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const all = splitPath(path);
  const grouped = all[0] === 'apis';
  if (all.length < (grouped ? 4 : 3) || (all[0] !== 'api' && !grouped))
    return { ...none, path, verb: method.toLowerCase() };

  const group = grouped ? (all[1] ?? '') : '';
  const version = all[grouped ? 2 : 1] ?? '';
  let at = grouped ? 3 : 2;
  let verb = verbOfMethod[method] ?? '';
  const watchByPath = all[at] === 'watch' && all.length > at + 1;
  if (watchByPath) {
    verb = 'watch';
    at++;
  }
  let namespace = '';
  if (all[at] === 'namespaces' && all.length > at + 1) {
    namespace = all[at + 1] ?? '';
    if (all.length > at + 2 && !namespaceSubresources.has(all[at + 2] ?? '')) at += 2;
  }
  const parts = all.slice(at);
  let name = parts[1] ?? '';
  if (name === '' && verb === 'get') {
    verb = isTrue(query.get('watch')) ? 'watch' : 'list';
    name = exactName(query.get('fieldSelector'));
  } else if (name === '' && verb === 'delete') verb = 'deletecollection';
  return {
    path,
    isResource: true,
    verb,
    prefix: all[0] ?? '',
    group,
    version,
    namespace,
    resource: parts[0] ?? '',
    subresource: parts[2] ?? '',
    name,
    parts,
    watchByPath,
  };
}
