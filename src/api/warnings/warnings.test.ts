import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../object.ts';
import { statusWarnings } from './status.ts';
import { deprecationWarnings } from './warnings.ts';

const told = (kind: string, object: object, old?: object, group = ''): string[] =>
  deprecationWarnings({ group, version: 'v1', kind }, object as KubernetesObject, old as KubernetesObject | undefined);

test('what is unwise about a pod is told when it is created, and not when it changes', () => {
  const pod = {
    metadata: { name: 'p' },
    spec: {
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      hostAliases: [{ ip: 'FD00::1' }],
      volumes: [{ name: 'v', configMap: { name: 'm', items: [{ path: 'a' }, { path: 'a/b' }] } }],
      containers: [
        { name: 'c', ports: [{ containerPort: 80 }], resources: { limits: { memory: '1500m' } } },
        { name: 'd', ports: [{ containerPort: 80 }] },
      ],
    },
  };
  assert.deepStrictEqual(told('Pod', pod), [
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'volume "v" (ConfigMap "m"): overlapping paths: "a/b" with "a"',
    'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer',
    'spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]',
    'spec.hostAliases[0].ip: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
  ]);
  assert.deepStrictEqual(told('Pod', pod, pod), []);
});

test('a template is told of again when the object has changed', () => {
  const deployment = (generation: number) => ({
    metadata: { name: 'Not_a_label', generation },
    spec: { template: { spec: { terminationGracePeriodSeconds: -1, containers: [] } } },
  });
  const grace =
    'spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1';
  assert.equal(told('Deployment', deployment(1), undefined, 'apps').length, 2);
  assert.deepStrictEqual(told('Deployment', deployment(2), deployment(1), 'apps'), [grace]);
  assert.deepStrictEqual(told('Deployment', deployment(1), deployment(1), 'apps'), []);
});

test('networks with more than their prefix are ambiguous', () => {
  const policy = { metadata: {}, spec: { egress: [{ to: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }] } };
  assert.deepStrictEqual(told('NetworkPolicy', policy, undefined, 'networking.k8s.io'), [
    'spec.egress[0].to[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
  ]);
});

test('addresses in a status are told of when they could be written otherwise', () => {
  const pod = {
    metadata: {},
    status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00::1' }], hostIPs: [{ ip: 'fd00::1' }] },
  };
  assert.deepStrictEqual(statusWarnings({ group: '', version: 'v1', kind: 'Pod' }, pod as KubernetesObject), [
    'status.podIPs[1].ip: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
  ]);
});
