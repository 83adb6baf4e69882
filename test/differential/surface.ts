import type { Step } from './steps.ts';

/** How the server is asked, whatever for: forms of answers, options, bodies, patches, owners of fields, paths and methods. */

/** Its own: what is listed is what these steps have made. */
const namespace = 'surface';
const maps = `/api/v1/namespaces/${namespace}/configmaps`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const group = 'surface.example.com';
const things = `/apis/${group}/v1/namespaces/${namespace}/things`;
const apply = 'application/apply-patch+yaml';
const kinds = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const step = (what: string, method: string, path: string, more: Partial<Step> = {}): Step => ({
  id: `surface ${what}`,
  method,
  path,
  ...more,
});

const map = (name: string, data: object = { a: 'b' }, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

const meta = (as: string, version = 'v1', type = 'json'): string =>
  `application/${type};as=${as};v=${version};g=meta.k8s.io`;

const accepts = [
  '*',
  'application/*',
  'application/cbor',
  'application/cbor,application/json',
  'application/json;q=0',
  'APPLICATION/JSON',
  'application/json;stream=x',
  'application/json;sv=v2',
  'application/json;as="Table";v=v1;g=meta.k8s.io',
  'text/html,application/xml;q=0.9,*/*;q=0.8',
  ',',
  meta('Table', 'v2'),
  meta('Table', 'v1beta1'),
  meta('Table', 'v1', 'vnd.kubernetes.protobuf'),
  meta('PartialObjectMetadata'),
  meta('PartialObjectMetadataList'),
  `${meta('Bogus')},application/json`,
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
];

/** Every form, of an object, a list, nothing, a custom resource and what is no resource. */
const forms = (): Step[] =>
  [
    maps,
    `${maps}/forms`,
    `${maps}/none`,
    things,
    `${things}/one`,
    `${things}/one/scale`,
    '/apis/apps',
    '/apis/apps/v1',
    '/api/v1',
  ]
    .flatMap((path) => accepts.map((accept) => step(`${path} as ${accept}`, 'GET', path, { accept })))
    .concat(
      ['None', 'Metadata', 'Object', '', 'Bogus'].map((value) =>
        step(`table with ${value}`, 'GET', `${maps}?includeObject=${value}`, { accept: meta('Table') }),
      ),
      step('table of a scale', 'GET', `${things}/one/scale`, { accept: meta('Table') }),
      step('table of custom resources', 'GET', things, { accept: meta('Table') }),
    );

const readOptions = [
  'limit=',
  'limit=2.5',
  'limit=99999999999999999999',
  'limit=-1',
  'timeoutSeconds=x',
  'resourceVersion=x',
  'resourceVersion=-1',
  'resourceVersion=99999999999999999999999',
  'resourceVersionMatch=Bogus',
  'resourceVersionMatch=Bogus&resourceVersion=1',
  'resourceVersionMatch=Exact&resourceVersion=0',
  'resourceVersionMatch=NotOlderThan&resourceVersion=0',
  'resourceVersionMatch=Exact&continue=x',
  'continue=e30',
  'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiIn0',
  'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhXHUwMDAwIn0',
  'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NSwic3RhcnQiOiIuLi9hIn0',
  'labelSelector=l%20in%20()',
  'labelSelector=l%3Da&labelSelector=l%3Db',
  'fieldSelector=metadata.name%3Da%5Cx',
  'sendInitialEvents=true',
  'sendInitialEvents=false&resourceVersionMatch=NotOlderThan',
  'timeout=x',
];

const watchOptions = [
  'resourceVersion=x',
  'limit=x',
  'continue=x',
  'resourceVersionMatch=Exact',
  'sendInitialEvents=true',
  'sendInitialEvents=true&resourceVersionMatch=Exact',
  'resourceVersion=0&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dforms',
];

const reads = (): Step[] => [
  ...readOptions.map((options) => step(`list ${options}`, 'GET', `${maps}?${options}`)),
  ...watchOptions.map((options) => step(`watch ${options}`, 'GET', `${maps}?watch=1&timeoutSeconds=1&${options}`)),
  step('watch as tables', 'GET', `${maps}?watch=1&timeoutSeconds=1&labelSelector=forms`, { accept: meta('Table') }),
  step('watch as YAML', 'GET', `${maps}?watch=1&timeoutSeconds=1`, { accept: 'application/yaml,application/json' }),
  ...['resourceVersion=x', 'export=1', 'timeout=1'].map((options) =>
    step(`get ${options}`, 'GET', `${maps}/forms?${options}`),
  ),
];

const bodies = [
  '{',
  'true',
  '{"metadata":{"name":"x"}} trailing',
  '{"metadata":{"name":"x","generation":7}}',
  '{"metadata":{"name":"x","managedFields":[{"manager":"m","operation":"Bogus","fieldsType":"FieldsV1","fieldsV1":{}}]}}',
  '{"metadata":{"name":"x"},"data":{"a":1}}',
];
const yamls = [
  'metadata: {name: x}\ndata: {a: yes}',
  'metadata: {name: x}\ndata: {a: "yes", b: 10:30}',
  'metadata: &a {name: x}\nx: *a',
];
const writeOptions = [
  'dryRun=All,All',
  'dryRun=x&fieldManager=%0A&fieldValidation=Bogus',
  `dryRun=All&fieldManager=${'x'.repeat(129)}&fieldValidation=Bogus`,
  'dryRun=All&fieldManager=a%0Ab',
];

const writes = (): Step[] => [
  ...bodies.map((body) => step(`create ${body}`, 'POST', `${maps}?dryRun=All`, { body })),
  ...yamls.map((body) =>
    step(`create ${body}`, 'POST', `${maps}?dryRun=All`, { body, contentType: 'application/yaml' }),
  ),
  ...['*/*', 'application/json;charset=UTF-16', 'APPLICATION/JSON', ';'].map((contentType) =>
    step(`create as ${contentType}`, 'POST', `${maps}?dryRun=All`, { body: map('x'), contentType }),
  ),
  step('create nothing of a kind of its own', 'POST', things, { body: {} }),
  ...writeOptions.flatMap((options) => [
    step(`create ${options}`, 'POST', `${maps}?${options}`, { body: map('x') }),
    step(`update ${options}`, 'PUT', `${maps}/forms?${options}`, { body: map('forms') }),
    step(`patch ${options}`, 'PATCH', `${maps}/forms?${options}`, { body: {}, contentType: kinds.merge }),
  ]),
  ...['x', '-1', '9'.repeat(30)].map((resourceVersion) =>
    step(`update at ${resourceVersion}`, 'PUT', `${maps}/forms?dryRun=All`, {
      body: map('forms', {}, { resourceVersion }),
    }),
  ),
  step('update of another uid, dry', 'PUT', `${maps}/forms?dryRun=All`, { body: map('forms', {}, { uid: 'x' }) }),
  step('update without managers', 'PUT', `${maps}/forms?dryRun=All`, { body: map('forms', {}, { managedFields: [] }) }),
];

const deletions = [
  'null',
  '[]',
  'x',
  '{"kind":"Pod","apiVersion":"v1"}',
  '{"gracePeriodSeconds":"x"}',
  '{"gracePeriodSeconds":1.5}',
  '{"orphanDependents":"x"}',
  '{"orphanDependents":true,"propagationPolicy":"Foreground"}',
  '{"preconditions":{"uid":"x"}}',
  '{"kind":"DeleteOptions","apiVersion":"nope/v1","dryRun":["All"]}',
  '{}',
];

const removals = (): Step[] => [
  ...[
    'gracePeriodSeconds=',
    'propagationPolicy=',
    'orphanDependents=true&propagationPolicy=Orphan',
    'uid=x',
    'resourceVersion=x',
  ].map((options) => step(`delete ${options}`, 'DELETE', `${maps}/forms?dryRun=All&${options}`)),
  ...['propagationPolicy=x', 'limit=x', 'resourceVersion=x', 'sendInitialEvents=true'].map((options) =>
    step(`delete all ${options}`, 'DELETE', `${maps}?dryRun=All&${options}`),
  ),
  ...deletions.flatMap((body, i) => [
    step(`make ${i} to be deleted`, 'POST', maps, { body: map(`deleted-${i}`) }),
    step(`delete with ${body}`, 'DELETE', `${maps}/deleted-${i}?dryRun=All`, { body }),
    step(`${i} after that`, 'GET', `${maps}/deleted-${i}`),
  ]),
  step('delete slowly', 'DELETE', `${maps}/leaving?propagationPolicy=Foreground`),
  step('create what is being deleted', 'POST', maps, { body: map('leaving') }),
];

const patches: [keyof typeof kinds, string][] = [
  ['json', 'null'],
  ['json', '[null]'],
  ['json', '[1]'],
  ['json', '{"op":"add"}'],
  ['json', '[{"op":"copy","from":"/none","path":"/data/x"}]'],
  ['json', '[{"op":"add","path":"/bogus","value":1}]'],
  ['json', '[{"op":"remove","path":"/metadata"}]'],
  ['json', '[{"op":"replace","path":"/metadata/uid","value":"1"}]'],
  ['merge', 'null'],
  ['merge', '1'],
  ['merge', '{"bogus":1}'],
  ['merge', '{"metadata":null}'],
  ['merge', '{"metadata":{"uid":"x"}}'],
  ['merge', '{"metadata":{"managedFields":[]}}'],
  ['merge', '{"data":{"x":"y","x":"z"}}'],
  ['strategic', 'null'],
  ['strategic', '[]'],
  ['strategic', '{"bogus":1}'],
  ['strategic', '{"$patch":"replace","data":{"only":"this"}}'],
  ['strategic', '{"data":{"$patch":"bogus"}}'],
  ['strategic', '{"data":{"x":"y","x":"z"}}'],
];

const patching = (): Step[] => [
  ...patches.flatMap(([kind, body]) =>
    ['Warn', 'Strict'].map((validation) =>
      step(`${kind} patch ${body} ${validation}`, 'PATCH', `${maps}/forms?dryRun=All&fieldValidation=${validation}`, {
        body,
        contentType: kinds[kind],
      }),
    ),
  ),
  ...['application/json', kinds.strategic].map((contentType) =>
    step(`patch of a custom resource as ${contentType}`, 'PATCH', `${things}/one`, { body: {}, contentType }),
  ),
];

/** One object in the hands of several managers. */
function owners(): Step[] {
  const as = (what: string, manager: string, path: string, body: unknown): Step =>
    step(`apply ${what}`, 'PATCH', `${path}?fieldManager=${manager}`, { body, contentType: apply });
  const owned = `${maps}/owned`;
  const deployment = (name: string, spec: object): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec,
  });
  const template = {
    metadata: { labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] },
  };
  const scaled = `${deployments}/scaled`;
  const scale = (replicas: number): object => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'scaled', namespace },
    spec: { replicas },
  });
  return [
    as('anew', 'one', owned, map('owned', { x: '1', y: '2' }, { labels: { l: '1' } })),
    as('the same by another', 'two', owned, map('owned', { x: '1' })),
    as('against another', 'two', owned, map('owned', { x: '2', y: '3' })),
    as('by force', 'two&force=true', owned, map('owned', { x: '2' })),
    as('without the labels', 'one', owned, map('owned', { y: '2' })),
    as('nothing', 'one', owned, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' } }),
    as('in another namespace', 'one', owned, map('owned', {}, { namespace: 'other' })),
    as('managers', 'one', owned, map('owned', {}, { managedFields: [] })),
    as('another uid', 'one', owned, map('owned', {}, { uid: 'x' })),
    as('another kind', 'one', owned, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'owned' } }),
    as('numbers for texts', 'one', owned, map('owned', { a: 1 })),
    as('a list for a map', 'one', owned, { ...map('owned'), data: [] }),
    as('null', 'one', owned, { ...map('owned'), data: null }),
    as('what nobody knows', 'one', owned, { ...map('owned'), bogus: 1 }),
    step('owned in the end', 'GET', owned),
    as('a revision of nothing', 'one', `${maps}/fresh`, map('fresh', {}, { resourceVersion: '5' })),
    as(
      'a deployment',
      'one',
      scaled,
      deployment('scaled', { replicas: 2, selector: { matchLabels: { a: 'b' } }, template }),
    ),
    as(
      'a container without a name',
      'two',
      scaled,
      deployment('scaled', { template: { spec: { containers: [{ image: 's' }] } } }),
    ),
    as(
      'a container twice',
      'two',
      scaled,
      deployment('scaled', { template: { spec: { containers: [{ name: 'c' }, { name: 'c' }] } } }),
    ),
    as(
      'a port as text',
      'two',
      scaled,
      deployment('scaled', { template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: '80' }] }] } } }),
    ),
    step('scale', 'PATCH', `${scaled}/scale?fieldManager=scaler`, {
      body: { spec: { replicas: 4 } },
      contentType: kinds.merge,
    }),
    step('scaled', 'GET', scaled),
    as('a scale', 'two', `${scaled}/scale`, scale(5)),
    as('a scale by force', 'two&force=true', `${scaled}/scale`, scale(5)),
    step('put a scale', 'PUT', `${scaled}/scale?fieldManager=putter`, { body: scale(6) }),
    step('scaled in the end', 'GET', scaled),
    step('account with secrets without names', 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      body: { metadata: { name: 'nameless' }, secrets: [{ name: '' }, {}], imagePullSecrets: [{}, { name: 'y' }] },
    }),
  ];
}

const paths = [
  '/healthz/',
  '/livez/ping',
  '/livez?exclude=bogus',
  '/metrics/',
  '/openapi/v2/',
  '/openapi/v3/nope',
  '/api/v1/namespaces/default/configmaps/a%2Fb',
  '/api/v1//namespaces',
  '/api/V1',
  '/api/v1/proxy/nodes/x',
  `/apis/${group}/v1/things/one`,
  `/apis/${group}/v2/things`,
  `${things}/one/bogus`,
];
const methodPaths = [
  '/',
  '/version',
  '/api',
  '/apis',
  '/apis/apps/v1',
  '/api/v1/namespaces',
  '/apis/apps/v1/deployments',
  '/nothing',
  `/apis/${group}/v1/things`,
  `${things}/one/status`,
];

const routes = (): Step[] => [
  ...paths.map((path) => step(`GET ${path}`, 'GET', path)),
  ...['HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH'].flatMap((method) =>
    methodPaths
      .filter((path) => path !== '/' && path !== '/apis')
      .map((path) => step(`${method} ${path}`, method, path)),
  ),
  ...['/apis/apps/v1/deployments', '/nothing', '/version', `${things}/one/status`].map((path) =>
    step(`DELETE ${path}`, 'DELETE', path),
  ),
];

export const surfaceSteps = (): Step[] => [
  step('namespace', 'POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } }, settle: true }),
  step('define', 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: definition,
    until: {
      path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
      condition: 'Established',
    },
    settle: true,
  }),
  step('make a thing', 'POST', things, {
    body: { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'one' }, spec: { replicas: 1 } },
    settle: true,
  }),
  step('make a map', 'POST', `${maps}?fieldManager=surface`, {
    body: map('forms', { a: 'b' }, { labels: { forms: 'yes' } }),
    settle: true,
  }),
  step('make what will leave', 'POST', maps, { body: map('leaving') }),
  ...forms(),
  ...reads(),
  ...writes(),
  ...patching(),
  ...removals(),
  ...owners(),
  ...routes(),
  step('undefine', 'DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`),
];
