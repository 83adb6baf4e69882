import type { OperationFact } from '../../api/openapi-facts.ts';

/** A parameter in a form from which both dialects are written. */
export interface Parameter {
  name: string;
  in: 'query' | 'path';
  description: string;
  type: 'string' | 'integer' | 'boolean';
  required?: boolean;
}

const query = (name: string, description: string, type: Parameter['type'] = 'string'): Parameter => ({
  name,
  in: 'query',
  description,
  type,
});

const pretty = query('pretty', "If 'true', the output is indented for reading.");
const dryRun = query('dryRun', "'All': everything is done but the writing.");
const fieldManager = query('fieldManager', 'The name of who makes the change, at most 128 printable characters.');
const fieldValidation = query(
  'fieldValidation',
  "What happens to unknown and duplicate fields: 'Ignore' drops them, 'Warn' tells of them, 'Strict' refuses the request.",
);
const force = query('force', 'Takes fields over from other managers in an apply request.', 'boolean');
const deletion = [
  dryRun,
  query('gracePeriodSeconds', 'Seconds that the object may take to end; 0 is at once.', 'integer'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'Deletes what cannot be read any more.', 'boolean'),
  query('orphanDependents', 'Deprecated: use propagationPolicy.', 'boolean'),
  query('propagationPolicy', "What becomes of dependents: 'Orphan', 'Background' or 'Foreground'."),
];
const listing = [
  query('allowWatchBookmarks', 'The watch may send bookmarks.', 'boolean'),
  query('continue', 'Where the next page of a list begins.'),
  query('fieldSelector', 'Restricts the answer to objects with these field values.'),
  query('labelSelector', 'Restricts the answer to objects with these labels.'),
  query('limit', 'The most objects in one answer.', 'integer'),
  query('resourceVersion', 'How new the answer must be.'),
  query('resourceVersionMatch', 'How resourceVersion is meant.'),
  query('sendInitialEvents', 'The watch begins with what is there.', 'boolean'),
  query('timeoutSeconds', 'When the call ends by itself.', 'integer'),
  query('watch', 'Answer with the changes instead of the list.', 'boolean'),
];

const byAction: Readonly<Record<string, readonly Parameter[]>> = {
  list: listing,
  post: [dryRun, fieldManager, fieldValidation],
  put: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, force],
  delete: deletion,
  deletecollection: [...deletion, ...listing.filter((p) => p.name !== 'watch' && p.name !== 'allowWatchBookmarks')],
};

export const parametersOf = (operation: OperationFact): readonly Parameter[] => byAction[operation.action ?? ''] ?? [];

/** The parameters that stand in a path, and `pretty`. */
export function pathParameters(path: string): Parameter[] {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map((match): Parameter => {
    const name = match[1] ?? '';
    const description = name === 'namespace' ? 'The namespace of the object.' : `The ${name} in the path.`;
    return { name, in: 'path', description, type: 'string', required: true };
  });
  return [...named, pretty];
}

export interface BodyTypes {
  /** The OpenAPI name of what is sent, if anything is. */
  request: string | undefined;
  /** … and of what is answered. */
  response: string | undefined;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** What an operation takes and gives, by names of types; `typeOf` knows kinds. */
export function bodyTypes(
  operation: OperationFact,
  typeOf: (gvk: NonNullable<OperationFact['gvk']>, list: boolean) => string | undefined,
): BodyTypes {
  const { action, gvk } = operation;
  if (!gvk) return { request: undefined, response: undefined };
  const own = typeOf(gvk, false);
  switch (action) {
    case 'list':
      return { request: undefined, response: typeOf(gvk, true) };
    case 'patch':
      return { request: `${meta}.Patch`, response: own };
    case 'delete':
      return { request: `${meta}.DeleteOptions`, response: `${meta}.Status` };
    case 'deletecollection':
      return { request: `${meta}.DeleteOptions`, response: `${meta}.Status` };
    case 'post':
    case 'put':
      return { request: own, response: own };
    default:
      return { request: undefined, response: own };
  }
}
