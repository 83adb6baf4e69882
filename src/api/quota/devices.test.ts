import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../gen/core-v1.ts';
import type { DeviceClass, ResourceClaim } from '../gen/resource-v1.ts';
import { formatQuantity } from '../quantity.ts';
import { devicesAmong } from './devices.ts';
import { isBoundOf } from './names.ts';
import { usageOf } from './usage.ts';

const classes: DeviceClass[] = [
  { metadata: { name: 'gpu' }, spec: { extendedResourceName: 'example.com/gpu' } },
  { metadata: { name: 'nic' }, spec: {} },
];
const implicit = (name: string): string => `requests.deviceclass.resource.kubernetes.io/${name}`;

test('which names limit claims hangs on the classes that there are', () => {
  const known = devicesAmong({ classes, pods: [], claims: [] }).classes;
  const names = ['requests.example.com/gpu', 'requests.example.com/other', ...['gpu', 'nic', 'none'].map(implicit)];
  const limiting = (from: typeof known) =>
    names.filter((name) => isBoundOf('resource.k8s.io', 'resourceclaims', name, from));
  assert.deepEqual(limiting(known), ['requests.example.com/gpu', implicit('gpu'), implicit('nic')]);
  assert.deepEqual(limiting(new Map()), []);
});

const born = (second: number): string => `2026-01-01T00:00:0${second}Z`;
const claim = (name: string, deviceClassName: string, count: number, metadata: object = {}): ResourceClaim => ({
  metadata: { name, namespace: 'ns', creationTimestamp: born(5), ...metadata },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName, allocationMode: 'ExactCount', count } }] } },
});
const forPod = (uid = 'u', second = 5) => ({
  creationTimestamp: born(second),
  annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true }],
});
const pod = (requests: Record<string, string>, claimName?: string): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [{ name: 'c', resources: { requests } }] },
  ...(claimName
    ? { status: { extendedResourceClaimStatus: { requestMappings: [], resourceClaimName: claimName } } }
    : {}),
});
const one = { 'example.com/gpu': '1' };
const special = claim('c', 'gpu', 3, forPod());
const whole = { [implicit('gpu')]: '3', 'requests.example.com/gpu': '3' };
const rest = { ...whole, 'requests.example.com/gpu': '2' };

const cases: [string, ResourceClaim, { pods?: Pod[]; claims?: ResourceClaim[] }, Record<string, string>][] = [
  ['of a class without another name', claim('c', 'nic', 2), {}, { [implicit('nic')]: '2' }],
  ['of a class with one', claim('c', 'gpu', 3), {}, whole],
  ['that says it is for a pod which is not there', special, {}, whole],
  ['that is for a pod', special, { pods: [pod(one)] }, rest],
  [
    'that is for a pod and nothing more',
    special,
    { pods: [pod({ 'example.com/gpu': '3' })] },
    { [implicit('gpu')]: '3' },
  ],
  ['that the pod names', special, { pods: [pod(one, 'c')] }, rest],
  ['beside the one that the pod names', special, { pods: [pod(one, 'd')] }, whole],
  ['for an earlier pod of the name', claim('c', 'gpu', 3, forPod('v')), { pods: [pod(one)] }, whole],
  [
    'after another for the pod',
    special,
    { pods: [pod(one)], claims: [special, claim('z', 'gpu', 1, forPod('u', 4))] },
    whole,
  ],
  [
    'before another for the pod',
    special,
    { pods: [pod(one)], claims: [special, claim('z', 'gpu', 1, forPod())] },
    rest,
  ],
];

for (const [name, counted, { pods = [], claims = [] }, expected] of cases)
  test(`a claim ${name}`, () => {
    const usage = usageOf('resource.k8s.io', 'resourceclaims', counted, devicesAmong({ classes, pods, claims }));
    const shown = Object.entries(usage).map(([bound, amount]) => [bound, formatQuantity(amount)]);
    assert.deepEqual(Object.fromEntries(shown.filter(([bound]) => bound?.startsWith('requests.'))), expected);
  });
