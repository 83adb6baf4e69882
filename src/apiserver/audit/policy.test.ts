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
    ],
    ['None', 'Metadata', 'Metadata', 'None', 'Request', 'None', 'RequestResponse', 'RequestResponse'],
  );
});

test('a policy that cannot be used says all that is wrong', () => {
  assert.throws(
    () =>
      parsePolicy(
        '{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: All}, {level: None, omitStages: [X]}]}',
        'p',
      ),
    /rules\[0\]\.level: All is no level .*; rules\[1\]\.omitStages: X is no stage/,
  );
  assert.throws(() => parsePolicy('kind: Policy', 'p'), /must be a Policy of audit\.k8s\.io\/v1/);
});
