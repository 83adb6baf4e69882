import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, storageVersionHash } from './model.ts';

test('versions stand in the order that clients prefer', () => {
  assert.deepEqual(['foo', 'v1alpha1', 'v2', 'v1beta2', 'v1', 'v10', 'v1beta10', 'bar'].sort(compareVersions), [
    'v10',
    'v2',
    'v1',
    'v1beta10',
    'v1beta2',
    'v1alpha1',
    'bar',
    'foo',
  ]);
});

test('the storage version hash is the one that upstream publishes', () => {
  assert.equal(storageVersionHash('', 'v1', 'ConfigMap'), 'qFsyl6wFWjQ=');
  assert.equal(storageVersionHash('apps', 'v1', 'Deployment'), '8aSe+NMegvE=');
});
