import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceQuota } from '../../api/gen/core-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { devicesAmong } from '../../api/quota/devices.ts';
import { countedNames, measure, usedOf } from './controller.ts';

const pod = (spec: object): KubernetesObject => ({ metadata: { name: 'p' }, spec, status: {} }) as KubernetesObject;
const quota = (hard: Record<string, string>, scopes?: string[]): ResourceQuota => ({
  metadata: { name: 'q', namespace: 'ns' },
  spec: { hard, ...(scopes ? { scopes } : {}) },
});
const requests = { cpu: '500m', 'example.com/dongle': '2' };

test('used names what the quota limits and nothing else, zero where nothing is used', () => {
  const limits = quota({ pods: '5', 'requests.example.com/dongle': '3', cpu: '1', services: '2' });
  const usage = measure(limits, {
    '/pods': [pod({ containers: [{ name: 'c', resources: { requests } }] })],
    '/services': [],
  });
  assert.deepStrictEqual(usedOf(limits, usage), {
    pods: '1',
    'requests.example.com/dongle': '2',
    cpu: '500m',
    services: '0',
  });
});

test('a scope leaves out the pods that are not in it', () => {
  const limits = quota({ pods: '5' }, ['BestEffort']);
  const pods = [pod({ containers: [{ name: 'c', resources: { requests } }] }), pod({ containers: [{ name: 'c' }] })];
  assert.deepStrictEqual(usedOf(limits, measure(limits, { '/pods': pods })), { pods: '1' });
});

test('claims of devices count by the resource for which their class stands', () => {
  const limits = quota({ 'requests.example.com/dongle': '3' });
  const exactly = { deviceClassName: 'dongle', allocationMode: 'ExactCount', count: 2 };
  const claims = [{ metadata: { name: 'c' }, spec: { devices: { requests: [{ name: 'r', exactly }] } } }];
  const own = { metadata: { name: 'dongle' }, spec: { extendedResourceName: 'example.com/dongle' } };
  const used = (classes: (typeof own)[]) => {
    const devices = devicesAmong({ classes, pods: [], claims: [] });
    return usedOf(limits, measure(limits, { 'resource.k8s.io/resourceclaims': claims as KubernetesObject[] }, devices));
  };
  assert.deepStrictEqual(used([own]), { 'requests.example.com/dongle': '2' });
  assert.deepStrictEqual(used([]), { 'requests.example.com/dongle': '0' });
});

test('numbers that only the server knows are told from those of what is in memory', () => {
  const hard = { 'count/pods': '1', pods: '1', secrets: '1', 'count/replicasets.apps': '1', cpu: '1' };
  assert.deepStrictEqual(countedNames(quota(hard)), ['secrets', 'count/replicasets.apps']);
});
