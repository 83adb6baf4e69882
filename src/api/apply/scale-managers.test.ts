import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ManagedFieldsEntry } from '../gen/meta-v1.ts';
import { managersOfParent, managersOfScale } from './scale-managers.ts';

const entry = (manager: string, fields: object, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  apiVersion: 'apps/v1',
  time: '2020-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: fields as ManagedFieldsEntry['fieldsV1'],
  ...more,
});
const path = ['spec', 'replicas'];
const replicas = { 'f:spec': { 'f:replicas': {} } };
const owner = entry('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } });
const other = entry('b', { 'f:metadata': { 'f:labels': { 'f:x': {} } } });

test('a scale has the managers of the replicas', () =>
  assert.deepStrictEqual(managersOfScale([owner, other], path), [
    entry('a', replicas, { apiVersion: 'autoscaling/v1' }),
  ]));

test('who scales takes the replicas over, and nothing else', () => {
  const scaler = entry('hpa', replicas, { apiVersion: 'autoscaling/v1', subresource: 'scale' });
  const { time: _, ...taken } = entry('hpa', replicas, { subresource: 'scale' });
  assert.deepStrictEqual(managersOfParent([owner, other], [scaler], 'apps/v1', path), [
    entry('a', { 'f:spec': { 'f:paused': {} } }),
    other,
    taken,
  ]);
});

test('an applier that goes on owning the replicas is left as it is', () => {
  const applier = entry('a', replicas, { operation: 'Apply' });
  const inScale = managersOfScale([applier], path);
  assert.deepStrictEqual(managersOfParent([applier], inScale, 'apps/v1', path), [applier]);
});
