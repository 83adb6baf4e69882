import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceQuota } from '../../api/gen/core-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
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

test('numbers that only the server knows are told from those of what is in memory', () => {
  const hard = { 'count/pods': '1', pods: '1', secrets: '1', 'count/replicasets.apps': '1', cpu: '1' };
  assert.deepStrictEqual(countedNames(quota(hard)), ['secrets', 'count/replicasets.apps']);
});
