import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from './object.ts';
import { humanDuration } from './printers/text.ts';
import { makeTable } from './table.ts';

const now = new Date('2026-01-02T03:04:05Z');
const created = '2026-01-02T03:02:00Z';

const cells = (group: string, resource: string, object: object): unknown[] | undefined =>
  makeTable({ group, version: 'v1', resource }, [object as KubernetesObject], {}, { now }).rows[0]?.cells;

test('ages have two or three figures', () => {
  const seconds = [1, 119, 120, 300, 601, 10800, 29000, 180000, 800000, 70_000_000, 400_000_000];
  assert.deepStrictEqual(
    seconds.map((s) => humanDuration(s * 1000)),
    ['1s', '119s', '2m', '5m', '10m', '3h', '8h', '2d2h', '9d', '2y80d', '12y'],
  );
});

test('a pod that restarts', () => {
  const pod = {
    metadata: { name: 'p', creationTimestamp: created },
    spec: { nodeName: 'n', containers: [{ name: 'c' }] },
    status: {
      phase: 'Running',
      podIPs: [{ ip: '10.0.0.1' }],
      containerStatuses: [
        {
          name: 'c',
          restartCount: 3,
          ready: false,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { finishedAt: '2026-01-02T03:03:55Z' } },
        },
      ],
    },
  };
  assert.deepStrictEqual(cells('', 'pods', pod), [
    'p',
    '0/1',
    'CrashLoopBackOff',
    '3 (10s ago)',
    '2m5s',
    '10.0.0.1',
    'n',
    '<none>',
    '<none>',
  ]);
});

test('a service, a deployment, a node', () => {
  const metadata = { name: 'x', creationTimestamp: created };
  const ports = [{ port: 80, nodePort: 30080, protocol: 'TCP' }];
  const service = { metadata, spec: { type: 'NodePort', clusterIPs: ['10.43.0.9'], ports, selector: { a: 'b' } } };
  assert.deepStrictEqual(cells('', 'services', service), [
    'x',
    'NodePort',
    '10.43.0.9',
    '<none>',
    '80:30080/TCP',
    '2m5s',
    'a=b',
  ]);
  const spec = {
    replicas: 2,
    selector: { matchLabels: { a: 'b' } },
    template: { spec: { containers: [{ name: 'c', image: 'i' }] } },
  };
  const deployment = { metadata, spec, status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 } };
  assert.deepStrictEqual(cells('apps', 'deployments', deployment), ['x', '1/2', 2, 1, '2m5s', 'c', 'i', 'a=b']);
  const node = {
    metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.1.1.1' }],
      nodeInfo: {
        kubeletVersion: 'v1',
        osImage: 'o',
        kernelVersion: 'k',
        architecture: 'amd64',
        containerRuntimeVersion: 'r',
      },
    },
  };
  assert.deepStrictEqual(cells('', 'nodes', node)?.slice(1), [
    'Ready,SchedulingDisabled',
    'control-plane',
    '2m5s',
    'v1',
    '10.1.1.1',
    '<none>',
    'o',
    'k (amd64)',
    'r',
  ]);
});

test('custom columns by JSON path', () => {
  const custom = {
    additionalPrinterColumns: [
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'N', type: 'integer', jsonPath: '.spec.n' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'None', type: 'string', jsonPath: '.spec.none' },
    ],
  };
  const object = {
    metadata: { name: 't', creationTimestamp: created },
    spec: { n: 4 },
    status: {
      conditions: [
        { type: 'X', status: 'False' },
        { type: 'Ready', status: 'True' },
      ],
    },
  };
  const place = { group: 'example.com', version: 'v1', resource: 'things' };
  const table = makeTable(place, [object as KubernetesObject], {}, { now, custom, includeObject: 'None' });
  assert.deepStrictEqual(table.rows, [{ cells: ['t', 'True', 4, '2m5s', null], object: null }]);
  assert.deepStrictEqual(
    table.columnDefinitions?.map((c) => c.name),
    ['Name', 'Ready', 'N', 'Age', 'None'],
  );
});
