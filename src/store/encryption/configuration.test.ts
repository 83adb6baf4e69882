import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEncryptionConfiguration } from './configuration.ts';

const parse = (kms: string) =>
  parseEncryptionConfiguration(`
kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources: [{ resources: [secrets], providers: [{ kms: { apiVersion: v2, name: mine, endpoint: "unix:///k", ${kms} } }] }]
`);

test('a key service’s patience is a duration of any parts, and it has no cache size', () => {
  assert.deepEqual(parse('timeout: 1m0.5s').resources[0]?.providers, [
    { kind: 'kms', name: 'mine', socket: '/k', timeoutMs: 60_500 },
  ]);
  assert.throws(() => parse('cachesize: 5'), /kms\.cachesize: cachesize is not supported in v2/);
  assert.throws(() => parse('timeout: soon'), /timeout should be a positive value/);
});
