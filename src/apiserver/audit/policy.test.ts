import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestInfo } from '../http/request-info.ts';
import { parsePolicy, recordingOf } from './policy.ts';

const policy = parsePolicy(
  `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:kube-proxy]
  verbs: [watch]
- level: Metadata
  resources: [{group: "", resources: [secrets, pods/log]}]
- level: Request
  namespaces: [kube-system]
  resources: [{group: ""}]
- level: None
  nonResourceURLs: ["/healthz*", /version]
- level: RequestResponse
  resources: [{group: apps, resources: ["*/scale", "daemonsets/*"]}]
  omitStages: [Panic]
- level: Metadata
  resources: [{group: "*", resources: [leases, events]}]
`,
  'test',
);

const levelOf = (method: string, url: string, name = 'anna'): string => {
  const [path = '', query = ''] = url.split('?');
  const info = parseRequestInfo(method, path, new URLSearchParams(query));
  return recordingOf(policy, info, { name, groups: [] })?.level ?? 'None';
};

test('the first rule that matches decides', () => {
  assert.deepEqual(
    [
      levelOf('GET', '/api/v1/secrets?watch=1', 'system:kube-proxy'),
      levelOf('GET', '/api/v1/secrets'),
      levelOf('GET', '/api/v1/namespaces/a/pods/b/log'),
      levelOf('GET', '/api/v1/namespaces/a/pods/b'),
      levelOf('POST', '/api/v1/namespaces/kube-system/pods'),
      levelOf('GET', '/healthz/etcd'),
      levelOf('PATCH', '/apis/apps/v1/namespaces/a/deployments/b/scale'),
      levelOf('GET', '/apis/apps/v1/namespaces/a/daemonsets/b'),
      levelOf('GET', '/apis/coordination.k8s.io/v1/namespaces/a/leases/b'),
    ],
    ['None', 'Metadata', 'Metadata', 'None', 'Request', 'None', 'RequestResponse', 'RequestResponse', 'Metadata'],
  );
});

test('a policy that cannot be used says all that is wrong', () => {
  assert.throws(
    () =>
      parsePolicy(
        '{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: All}, {level: None, omitStages: [X]}]}',
        'p',
      ),
    {
      message:
        'the audit policy p cannot be used: [rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse", rules[1].omitStages[0]: Invalid value: "X": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic]',
    },
  );
  const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
  const rows: [string, RegExp][] = [
    ['rules: []', /loaded illegal policy with 0 rules/],
    ['rules: [{}]', /rules\[0\]\.level: Required value$/],
    [
      'rules: [{level: None, nonResourceURLs: [healthz, "/a*b"]}]',
      /must begin with a '\/' character, rules\[0\]\.nonResourceURLs\[1\]: .* wildcards '\*' must be the final character/,
    ],
    [
      'rules: [{level: None, nonResourceURLs: [/x], namespaces: [a]}]',
      /rules cannot apply to both regular resources and non-resource URLs/,
    ],
    ['rules: [{level: None, resources: [{group: a/v1}]}]', /rules\[0\]\.resources\.group: Invalid value: "a\/v1"/],
    ['rules: [{level: None, resources: [{resourceNames: [x]}]}]', /using resourceNames requires at least one resource/],
    ['rules: 5', /json: cannot unmarshal number into Go struct field rules/],
  ];
  for (const [text, message] of rows) assert.throws(() => parsePolicy(head + text, 'p'), message);
  const warnings: string[] = [];
  parsePolicy(`${head}rules: [{level: None, foo: 1}]`, 'p', (text) => warnings.push(text));
  assert.deepEqual(warnings, [
    'Audit policy contains errors, falling back to lenient decoding: strict decoding error: unknown field "rules[0].foo"',
  ]);
  assert.throws(() => parsePolicy('kind: Policy', 'p'), /must be a Policy of audit\.k8s\.io\/v1/);
});
