import type { OperationFact } from '../../api/openapi-facts.ts';

type Gvk = NonNullable<OperationFact['gvk']>;

export interface BodyTypes {
  /** The OpenAPI name of what is sent, if anything is. */
  request: string | undefined;
  /** … and of what is answered; `text` where that is no object. */
  response: string | undefined;
}

/** An answer that is a text, and no named type. */
export const text = 'string';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** What is deleted and answers with itself, not with a Status. */
const answeredWhenDeleted = new Set([
  'CSIDriver',
  'CSINode',
  'DeviceClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Pod',
  'PodTemplate',
  'ResourceClaim',
  'ResourceClaimTemplate',
  'ResourceQuota',
  'ResourceSlice',
  'Service',
  'ServiceAccount',
  'StorageClass',
  'VolumeAttachment',
  'VolumeAttributesClass',
]);

/** What the paths answer that are no resources. */
function ofNoResource(path: string): string {
  if (path === '/version/') return 'io.k8s.apimachinery.pkg.version.Info';
  if (path === '/api/') return `${meta}.APIVersions`;
  if (path === '/apis/') return `${meta}.APIGroupList`;
  if (/^\/apis\/[^/]+\/$/.test(path)) return `${meta}.APIGroup`;
  return path.startsWith('/api') ? `${meta}.APIResourceList` : text;
}

/** What an operation takes and gives, by names of types; `typeOf` knows kinds. */
export function bodyTypes(
  operation: OperationFact,
  typeOf: (gvk: Gvk, list: boolean) => string | undefined,
): BodyTypes {
  const { action, gvk, path } = operation;
  if (!gvk) return { request: undefined, response: ofNoResource(path) };
  if (action === 'connect' || path.endsWith('/pods/{name}/log')) return { request: undefined, response: text };
  const own = typeOf(operation.body ?? gvk, false);
  switch (action) {
    case 'list':
      return { request: undefined, response: typeOf(gvk, true) };
    case 'watch':
    case 'watchlist':
      return { request: undefined, response: `${meta}.WatchEvent` };
    case 'patch':
      return { request: `${meta}.Patch`, response: own };
    case 'delete':
      return {
        request: `${meta}.DeleteOptions`,
        response: own?.startsWith('io.k8s.api.') && answeredWhenDeleted.has(gvk.kind) ? own : `${meta}.Status`,
      };
    case 'deletecollection':
      return { request: `${meta}.DeleteOptions`, response: `${meta}.Status` };
    case 'post':
    case 'put':
      return { request: own, response: own };
    default:
      return { request: undefined, response: own };
  }
}

const successCodes: Readonly<Record<string, readonly string[]>> = {
  post: ['200', '201', '202'],
  put: ['200', '201'],
  patch: ['200', '201'],
  delete: ['200', '202'],
};
const codeText: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

/** Every answer of an operation, `answer` beside the description of those that succeed. */
export const responsesOf = ({ action }: OperationFact, answer: object): object => ({
  ...Object.fromEntries(
    (successCodes[action ?? ''] ?? ['200']).map((code) => [code, { description: codeText[code], ...answer }]),
  ),
  401: { description: 'Unauthorized' },
});

export const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** `flowcontrolApiserver` for `flowcontrol.apiserver`. */
export const camel = (words: string): string => {
  const [first = '', ...rest] = words.split(/[.-]/);
  return first + rest.map(capital).join('');
};

/** `rbacAuthorization_v1` for what is below `/apis/rbac.authorization.k8s.io/v1/`. */
export function tagOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const [first = '', group, version] = parts[0] === 'api' ? ['apis', 'core', ...parts.slice(1)] : parts;
  if (first !== 'apis' || group === undefined) return camel(first);
  const name = camel(group.replace(/\.k8s\.io$/, ''));
  return version === undefined ? name : `${name}_${version}`;
}

/** An article and a space before a kind; a plural has none. */
const articled = (kind: string): string =>
  /[^s]s$/.test(kind) ? kind : `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;

const objectPath = /^(.*\/\{name\})\/(\w+)(?:\/\{path\})?$/;

/** The subresource at the end of a path and the path of its object. */
const subresourceOf = (path: string): { of: string; name: string } | undefined => {
  const [, of, name] = objectPath.exec(path) ?? [];
  return of !== undefined && name !== undefined && !path.includes('/watch/') ? { of, name } : undefined;
};

/** Kinds of objects by the paths that objects stand at: a subresource may have another kind than its object. */
export function kindsAt(operations: readonly OperationFact[]): (operation: OperationFact) => string {
  const kinds = new Map<string, string>();
  for (const { path, gvk } of operations) if (gvk && !subresourceOf(path)) kinds.set(path, gvk.kind);
  return ({ path, gvk }) => kinds.get(subresourceOf(path)?.of ?? '') ?? gvk?.kind ?? '';
}

const plainTexts: Readonly<Record<string, (kind: string) => string>> = {
  get: (kind) => `read the specified ${kind}`,
  list: (kind) => `list objects of kind ${kind}`,
  put: (kind) => `replace the specified ${kind}`,
  patch: (kind) => `partially update the specified ${kind}`,
  post: (kind) => `create ${articled(kind)}`,
  delete: (kind) => `delete ${articled(kind)}`,
  deletecollection: (kind) => `delete collection of ${kind}`,
  watch: (kind) => `watch one ${kind}; deprecated: list with 'watch' and a 'fieldSelector'`,
  watchlist: (kind) => `watch the list of ${kind}; deprecated: list with 'watch'`,
};

/** One line on what an operation does; `kind` is the kind of the object at its path. */
export function describeOperation({ action, path, method, gvk }: OperationFact, kind: string): string {
  if (action === null || !gvk) {
    if (path === '/api/' || path === '/apis/') return 'get available API versions';
    if (path.startsWith('/api'))
      return /^\/apis\/[^/]+\/$/.test(path) ? 'get information of a group' : 'get available resources';
    return path === '/version/' ? 'get the version information for this server' : `get ${path}`;
  }
  const subresource = subresourceOf(path)?.name;
  if (action === 'connect') return `connect ${method.toUpperCase()} requests to ${subresource} of ${kind}`;
  const plain = plainTexts[action]?.(kind) ?? action;
  if (subresource === undefined) return plain;
  return action === 'post'
    ? `create ${subresource} of ${articled(kind)}`
    : plain.replace(' the specified', ` ${subresource} of the specified`);
}
