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
  query('shardSelector', 'Restricts the answer to a shard of the objects; alpha and off.'),
  query('timeoutSeconds', 'When the call ends by itself.', 'integer'),
  query('watch', 'Answer with the changes instead of the list.', 'boolean'),
];
const ofAll = new Set(['watch', 'allowWatchBookmarks']);

const byAction: Readonly<Record<string, readonly Parameter[]>> = {
  get: [],
  list: listing,
  watch: listing,
  watchlist: listing,
  post: [dryRun, fieldManager, fieldValidation],
  put: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, force],
  delete: deletion,
  deletecollection: [...deletion, ...listing.filter((p) => !ofAll.has(p.name))],
};

const container = query('container', 'The container; the only one, where nothing is said.');
const streams = (['stderr', 'stdin', 'stdout', 'tty'] as const).map((name) =>
  query(name, `Whether there is ${name === 'tty' ? 'a terminal' : name}.`, 'boolean'),
);
const proxied = [query('path', 'The path to ask for behind the proxy.')];

/** What the subresources that are no objects take, by the end of their path. */
const bySubresource: Readonly<Record<string, readonly Parameter[]>> = {
  attach: [container, ...streams],
  exec: [query('command', 'What is run, and its arguments: no shell reads it.'), container, ...streams],
  log: [
    container,
    query('follow', 'The answer goes on as long as the container writes.', 'boolean'),
    query('insecureSkipTLSVerifyBackend', "The kubelet's certificate is not verified.", 'boolean'),
    query('limitBytes', 'The most bytes in the answer.', 'integer'),
    query('previous', 'The log of the container before its last restart.', 'boolean'),
    query('sinceSeconds', 'How old the first line may be.', 'integer'),
    query('stream', "Which of the container's streams: 'All', 'Stdout' or 'Stderr'."),
    query('tailLines', 'How many lines from the end.', 'integer'),
    query('timestamps', 'Each line begins with its time.', 'boolean'),
  ],
  portforward: [query('ports', 'The ports to forward to.', 'integer')],
  proxy: proxied,
};

const proxyPath = /\/proxy\/\{path\}$/;

/** The parameters that stand in a path. */
const inPath = (path: string, kind: string): Parameter[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    description:
      name === 'namespace'
        ? 'The namespace of the object.'
        : name === 'name'
          ? `name of the ${kind}`
          : `The ${name} in the path.`,
    type: 'string',
    required: true,
  }));

/** All of an operation; `kind` is whose name stands in its path. */
export function parametersOf({ action, path }: OperationFact, kind: string): readonly Parameter[] {
  if (action === null) return inPath(path, kind);
  const last = path.slice(path.lastIndexOf('/') + 1);
  const own = proxyPath.test(path) ? proxied : (bySubresource[last] ?? byAction[action] ?? []);
  return [...inPath(path, kind), ...own, ...(action === 'connect' ? [] : [pretty])];
}
