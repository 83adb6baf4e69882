import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Service } from '../../api/gen/core-v1.ts';
import { planLoadBalancers } from './plan.ts';

const node = (
  name: string,
  addresses: string[],
  more: { labels?: Record<string, string>; external?: string; ready?: string } = {},
): Node => ({
  metadata: { name, labels: more.labels ?? {} },
  status: {
    conditions: [{ type: 'Ready', status: more.ready ?? 'True' }],
    addresses: [
      ...addresses.map((address) => ({ type: 'InternalIP', address })),
      ...(more.external ? [{ type: 'ExternalIP', address: more.external }] : []),
    ],
  },
});
const service = (
  name: string,
  port: number,
  spec: Service['spec'] = {},
  labels: Record<string, string> = {},
): Service => ({
  metadata: { namespace: 'ns', name, labels, creationTimestamp: `2026-01-01T00:00:0${name.length}Z` },
  spec: { type: 'LoadBalancer', ports: [{ port }], ipFamilies: ['IPv4'], ...spec },
});
const plan = (services: Service[], nodes: Node[], endpointsOn: string[] = []) =>
  Object.fromEntries(
    planLoadBalancers({
      services,
      nodes,
      slicesOf: () => [
        {
          metadata: {},
          addressType: 'IPv4',
          endpoints: endpointsOn.map((nodeName) => ({ addresses: ['10.0.0.1'], nodeName })),
        },
      ],
    }),
  );
const one = node('one', ['192.168.0.1', 'fd00::1']);
const two = node('two', ['192.168.0.2']);

const rows: [string, Record<string, readonly string[]>, Record<string, readonly string[]>][] = [
  [
    'every ready node',
    plan([service('a', 80)], [two, one, node('no', ['192.168.0.3'], { ready: 'Unknown' })]),
    { 'ns/a': ['192.168.0.1', '192.168.0.2'] },
  ],
  [
    'external addresses where a node has them',
    plan([service('a', 80)], [node('x', ['10.0.0.1'], { external: '203.0.113.1' })]),
    { 'ns/a': ['203.0.113.1'] },
  ],
  [
    'both families of a dual-stack service',
    plan([service('a', 80, { ipFamilies: ['IPv6', 'IPv4'] })], [one, two]),
    { 'ns/a': ['fd00::1', '192.168.0.1', '192.168.0.2'] },
  ],
  [
    'a port is the older service’s',
    plan([service('younger', 80), service('old', 80), service('c', 81)], [one]),
    { 'ns/c': ['192.168.0.1'], 'ns/old': ['192.168.0.1'], 'ns/younger': [] },
  ],
  [
    'labelled nodes only, once one is labelled',
    plan(
      [service('a', 80)],
      [one, node('l', ['192.168.0.9'], { labels: { 'svccontroller.k3s.cattle.io/enablelb': 'true' } })],
    ),
    { 'ns/a': ['192.168.0.9'] },
  ],
  [
    'nodes of the service’s pool',
    plan(
      [service('a', 80, {}, { 'svccontroller.k3s.cattle.io/lbpool': 'p' })],
      [one, node('l', ['192.168.0.9'], { labels: { 'svccontroller.k3s.cattle.io/lbpool': 'p' } })],
    ),
    { 'ns/a': ['192.168.0.9'] },
  ],
  [
    'policy Local: nodes with an endpoint',
    plan([service('a', 80, { externalTrafficPolicy: 'Local' })], [one, two], ['two']),
    { 'ns/a': ['192.168.0.2'] },
  ],
  [
    'another controller’s class and other types are left alone',
    plan([service('a', 80, { loadBalancerClass: 'x/y' }), service('b', 80, { type: 'NodePort' })], [one]),
    {},
  ],
];
for (const [name, got, wanted] of rows) test(name, () => assert.deepStrictEqual(got, wanted));
