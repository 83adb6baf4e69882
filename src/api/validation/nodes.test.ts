import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../gen/core-v1.ts';
import { validateNode, validateNodeChange } from './nodes.ts';
import { Problems } from './problems.ts';

const told = (node: object, old?: object): string[] => {
  const p = new Problems();
  if (old) validateNodeChange(p, { metadata: {}, ...node } as Node, { metadata: {}, ...old } as Node);
  else validateNode(p, { metadata: {}, ...node } as Node);
  return p.causes.map(({ field, message = '' }) => `${field}: ${message.split(':')[0]}`);
};

test('what older clients say by annotations is looked at', () => {
  const avoid = 'scheduler.alpha.kubernetes.io/preferAvoidPods';
  const noted = (text: string): object => ({ metadata: { annotations: { [avoid]: text } } });
  const at = `metadata.annotations.${avoid}[0].PodSignature`;
  assert.deepEqual(told(noted('{"preferAvoidPods":[{"podSignature":{"podController":{"controller":true}}}]}')), []);
  assert.deepEqual(told(noted('{"preferAvoidPods":[{}]}')), [`${at}: Required value`]);
  assert.deepEqual(told(noted('{"preferAvoidPods":[null]}')), [`${at}: Required value`]);
  assert.deepEqual(told(noted('{')), ['metadata.annotations.AvoidPods: Invalid value']);
  const taints = 'scheduler.alpha.kubernetes.io/taints';
  const tainted = (text: string): string[] => told({ metadata: { annotations: { [taints]: text } } });
  assert.deepEqual(tainted('[{"key":5}]'), ['metadata.annotations: Invalid value']);
  assert.deepEqual(tainted('[null]'), [
    `metadata.annotations.${taints}[0].key: Invalid value`,
    `metadata.annotations.${taints}[0].key: Invalid value`,
    `metadata.annotations.${taints}[0].effect: Required value`,
  ]);
});

test('declared features are names in order', () => {
  const features = (...declaredFeatures: string[]): string[] => told({ status: { declaredFeatures } });
  assert.deepEqual(features('A', 'B/c'), []);
  assert.deepEqual(features('B', 'A', 'A'), [
    'status.declaredFeatures[1]: Invalid value',
    'status.declaredFeatures[2]: Duplicate value',
  ]);
  assert.deepEqual(features('a'), ['status.declaredFeatures[0]: Invalid value']);
});

test('what a node has got once it keeps', () => {
  const ranges = (...podCIDRs: string[]): object => ({ spec: { podCIDRs } });
  assert.deepEqual(told(ranges('10.0.0.0/24'), {}), []);
  assert.deepEqual(told(ranges('10.0.1.0/24', 'fd01::/64'), ranges('10.0.0.0/24', 'fd00::/64')), [
    'spec.podCIDRs: Forbidden',
    'spec.podCIDRs: Forbidden',
  ]);
  assert.deepEqual(told({ spec: {} }, { spec: { podCIDRs: ['10.0.0.0/24'], providerID: 'a' } }), [
    'spec.podCIDRs: Forbidden',
    'spec.providerID: Forbidden',
  ]);
});
