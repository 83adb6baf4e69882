import type { Step } from './steps.ts';

/** Numbers that a double cannot hold, numbers with points and exponents, and values of the wrong type in patches. */

const namespace = 'numbers';
const group = 'numbers.example.com';
const longs = `/apis/${group}/v1/namespaces/${namespace}/longs`;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const pods = `/api/v1/namespaces/${namespace}/pods`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const services = `/api/v1/namespaces/${namespace}/services`;

const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const json = 'application/json-patch+json';
const apply = 'application/apply-patch+yaml';

const past = '9007199254740993';
const largest = '9223372036854775807';
const tooLarge = '9223372036854775808';

const step = (what: string, method: string, path: string, more: Partial<Step> = {}): Step => ({
  id: `numbers ${what}`,
  method,
  path,
  ...more,
});

/** Bodies are texts: JavaScript's numbers would not do. */
const definition = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"longs.${group}"},"spec":{"group":"${group}","scope":"Namespaced",
"names":{"plural":"longs","singular":"long","kind":"Long","listKind":"LongList"},"versions":[{"name":"v1","served":true,"storage":true,
"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}},
"schema":{"openAPIV3Schema":{"type":"object","properties":{"status":{"type":"object","properties":{"replicas":{"type":"integer"}}},
"spec":{"type":"object","properties":{"replicas":{"type":"integer"},"long":{"type":"integer","format":"int64"},
"short":{"type":"integer","format":"int32"},"double":{"type":"number"},"date":{"type":"string","format":"date"},
"either":{"x-kubernetes-int-or-string":true},"any":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
"most":{"type":"integer","maximum":${past}},"even":{"type":"integer","multipleOf":2},"named":{"type":"integer","enum":[1,${past}]},
"filled":{"type":"integer","default":9007199254740995},"set":{"type":"array","items":{"type":"integer"},"x-kubernetes-list-type":"set"},
"ruled":{"type":"integer","x-kubernetes-validations":[{"rule":"self != ${past}","message":"no"}]}}}}}}}]}}`;

const long = (name: string, spec: string): string =>
  `{"apiVersion":"${group}/v1","kind":"Long","metadata":{"name":"${name}"},"spec":${spec}}`;

const specs = [
  ...[past, largest, '-9223372036854775808', tooLarge, '1.5', '1.0', '1e17', '"a"', 'true', '{}'].map(
    (n) => `{"long":${n}}`,
  ),
  ...['2147483648', '1.5'].map((n) => `{"short":${n}}`),
  ...[past, tooLarge, '1e30', '1.0'].map((n) => `{"double":${n}}`),
  ...['5', '1.5', 'true'].map((n) => `{"date":${n}}`),
  ...[past, '9007199254740995'].map((n) => `{"most":${n}}`),
  ...['9007199254740994', past].map((n) => `{"even":${n}}`),
  ...[past, '9007199254740992', '3', '"x"'].map((n) => `{"named":${n}}`),
  ...[past, '9007199254740992'].map((n) => `{"ruled":${n}}`),
  ...['1.5', '1e17', past].map((n) => `{"replicas":${n}}`),
  `{"either":${past}}`,
  `{"set":[${past},9007199254740992]}`,
  `{"set":[${past},${past}]}`,
  `{"any":{"a":${past},"b":[${largest},${tooLarge}],"c":1.0,"d":1e3}}`,
];

const custom = (): Step[] => [
  ...specs.map((spec) => step(`create ${spec}`, 'POST', `${longs}?dryRun=All`, { body: long('dry', spec) })),
  step('keep', 'POST', longs, { body: long('kept', `{"long":${past},"any":{"a":${largest}}}`) }),
  step('read', 'GET', `${longs}/kept`),
  step('as YAML', 'GET', `${longs}/kept`, { accept: 'application/yaml' }),
  step('no scale', 'GET', `${longs}/kept/scale`),
  step('merge', 'PATCH', `${longs}/kept`, { contentType: merge, body: `{"spec":{"long":${largest}}}` }),
  step('merge the same', 'PATCH', `${longs}/kept`, { contentType: merge, body: `{"spec":{"long":${largest}}}` }),
  step('test and replace', 'PATCH', `${longs}/kept`, {
    contentType: json,
    body: `[{"op":"test","path":"/spec/long","value":${largest}},{"op":"replace","path":"/spec/long","value":${past}}]`,
  }),
  step('test another', 'PATCH', `${longs}/kept`, {
    contentType: json,
    body: '[{"op":"test","path":"/spec/long","value":9007199254740992}]',
  }),
  step('apply', 'PATCH', `${longs}/kept?fieldManager=one&force=true`, {
    contentType: apply,
    body: long('kept', `{"double":${past},"long":${past}}`),
  }),
  step('apply another', 'PATCH', `${longs}/kept?fieldManager=two`, {
    contentType: apply,
    body: long('kept', '{"long":9007199254740992}'),
  }),
  step('apply YAML', 'PATCH', `${longs}/kept?fieldManager=three&force=true`, {
    contentType: apply,
    body: `apiVersion: ${group}/v1\nkind: Long\nmetadata: {name: kept}\nspec:\n  long: ${past}\n  any: {b: ${tooLarge}, c: 0x7fffffffffffffff}\n`,
  }),
  step('status', 'PATCH', `${longs}/kept/status`, { contentType: merge, body: `{"status":{"replicas":5}}` }),
  step('read in the end', 'GET', `${longs}/kept`),
];

const pod = (fields: string): string =>
  `{"metadata":{"name":"kept"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","image":"i"}],${fields}}}`;
const revision = `{"metadata":{"name":"kept"},"revision":${past},"data":{"a":${largest}}}`;

const builtIn = (): Step[] => [
  ...[
    `"terminationGracePeriodSeconds":${tooLarge}`,
    '"terminationGracePeriodSeconds":1e3',
    `"activeDeadlineSeconds":${past}`,
    `"securityContext":{"runAsUser":${past}}`,
    `"priority":${past}`,
    `"hostNetwork":${past}`,
  ].map((fields) => step(`pod with ${fields}`, 'POST', `${pods}?dryRun=All`, { body: pod(fields) })),
  step('a long grace', 'POST', pods, {
    body: pod(
      `"terminationGracePeriodSeconds":${past},"tolerations":[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":${largest}}]`,
    ),
  }),
  step('a long grace, read', 'GET', `${pods}/kept`),
  step('a revision', 'POST', `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`, { body: revision }),
  ...[merge, strategic].flatMap((contentType) =>
    [past, tooLarge, '1.5', '"5"', ...(contentType === merge ? ['1e3', '9.0'] : [])]
      .map((n) =>
        step(`${contentType} deadline ${n}`, 'PATCH', `${pods}/kept?dryRun=All`, {
          contentType,
          body: `{"spec":{"activeDeadlineSeconds":${n}}}`,
        }),
      )
      .filter(({ id }) => !id.endsWith(`strategic-merge-patch+json deadline ${tooLarge}`)),
  ),
  ...['9e2', '800.0', past].map((n) =>
    step(`${json} deadline ${n}`, 'PATCH', `${pods}/kept?dryRun=All`, {
      contentType: json,
      body: `[{"op":"add","path":"/spec/activeDeadlineSeconds","value":${n}}]`,
    }),
  ),
];

const deployment = {
  metadata: { name: 'kept' },
  spec: {
    replicas: 0,
    selector: { matchLabels: { a: 'b' } },
    template: {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: '1' }] }] },
    },
  },
};
const wrong = ['x', 5, 1.5, true, [], ['x'], {}, { x: 'y' }];
const inPod = (spec: object): object => ({ spec: { template: { spec } } });
const inContainer = (fields: object): object => inPod({ containers: [{ name: 'c', ...fields }] });
const places: Readonly<Record<string, (value: unknown) => object>> = {
  replicas: (value) => ({ spec: { replicas: value } }),
  paused: (value) => ({ spec: { paused: value } }),
  selector: (value) => ({ spec: { selector: value } }),
  label: (value) => ({ metadata: { labels: { q: value } } }),
  labels: (value) => ({ metadata: { labels: value } }),
  created: (value) => ({ metadata: { creationTimestamp: value } }),
  surge: (value) => ({ spec: { strategy: { rollingUpdate: { maxSurge: value } } } }),
  containers: (value) => inPod({ containers: value }),
  policy: (value) => inContainer({ imagePullPolicy: value }),
  args: (value) => inContainer({ args: value }),
  env: (value) => inContainer({ env: value }),
  cpu: (value) => inContainer({ resources: { limits: { cpu: value } } }),
  unknown: (value) => ({ spec: { zzz: value, aaa: value } }),
};
const directives = [
  '{"spec":{"$setElementOrder/zzz":["a"],"zzz":["a"]}}',
  '{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"c"}],"containers":[{"image":"x"}]}}}}',
  '{"spec":{"template":{"spec":{"$setElementOrder/containers":"x"}}}}',
  '{"spec":{"template":{"spec":{"$setElementOrder/containers":["x"]}}}}',
  '{"spec":{"template":{"spec":{"containers":[null]}}}}',
  '{"spec":{"template":{"spec":{"containers":[["x"]]}}}}',
];

const patches = (): Step[] => [
  step('a deployment', 'POST', deployments, { body: deployment, settle: true }),
  ...Object.entries(places).flatMap(([name, patch]) =>
    wrong.map((value) =>
      step(`strategic ${name} ${JSON.stringify(value)}`, 'PATCH', `${deployments}/kept?dryRun=All`, {
        contentType: strategic,
        body: patch(value),
      }),
    ),
  ),
  ...directives.map((body) =>
    step(`strategic ${body}`, 'PATCH', `${deployments}/kept?dryRun=All`, { contentType: strategic, body }),
  ),
  ...['1.0', 'true', '99999999999', '{}'].map((n) =>
    step(`target port ${n}`, 'POST', `${services}?dryRun=All`, {
      body: `{"metadata":{"name":"x"},"spec":{"ports":[{"port":80,"targetPort":${n}}]}}`,
    }),
  ),
];

const bind = { target: { kind: 'Node', name: 'n' } };
const verbs: readonly [place: string, body: object][] = [
  ['pods/none/binding', { metadata: { name: 'none' }, ...bind }],
  ['pods/none/binding', { metadata: { name: 'other' }, ...bind }],
  ['pods/none/binding', { metadata: { name: 'none' }, target: { kind: 'X' } }],
  ['bindings', { metadata: { name: 'none' }, ...bind }],
  ['bindings', { metadata: {}, ...bind }],
  ['bindings', { target: {} }],
  ['pods/none/eviction', { metadata: { name: 'none' } }],
  ['pods/none/eviction', { metadata: { name: 'other' } }],
  [
    'pods/none/eviction',
    { metadata: { name: 'none' }, deleteOptions: { ignoreStoreReadErrorWithClusterBreakingPotential: true } },
  ],
  ['serviceaccounts/none/token', { spec: {} }],
  ['serviceaccounts/none/token', { metadata: { name: 'other' }, spec: {} }],
  ['serviceaccounts/none/token', { metadata: { namespace: 'other' }, spec: {} }],
];

const posts = (): Step[] =>
  verbs.map(([place, body]) =>
    step(`POST ${place} ${JSON.stringify(body)}`, 'POST', `/api/v1/namespaces/${namespace}/${place}`, { body }),
  );

export const numberSteps = (): Step[] => [
  step('namespace', 'POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } }, settle: true }),
  step('account', 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    body: { metadata: { name: 'default' } },
    settle: true,
  }),
  step('define', 'POST', definitions, {
    body: definition,
    until: { path: `${definitions}/longs.${group}`, condition: 'Established' },
    settle: true,
  }),
  ...custom(),
  ...builtIn(),
  ...patches(),
  ...posts(),
  step('undefine', 'DELETE', `${definitions}/longs.${group}`),
];
