import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, Pod } from '../../api/gen/core-v1.ts';
import { attachmentName, isShared, wantedOn } from './plan.ts';

const volume = (driver: string, accessModes: string[] = ['ReadWriteOnce']): PersistentVolume => ({
  metadata: { name: 'volume' },
  spec: { csi: { driver, volumeHandle: 'handle' }, accessModes },
});

const pod = (name: string, phase = 'Running'): Pod => ({
  metadata: { name, namespace: 'ns' },
  spec: { containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'claim' } }] },
  status: { phase },
});

const wanted = (pods: Pod[], phase = 'Bound', attaches = true): string[] =>
  [
    ...wantedOn({
      node: 'one',
      pods,
      claim: () => ({ metadata: { name: 'claim' }, spec: { volumeName: 'volume' }, status: { phase } }),
      volume: (name) => (name === 'volume' ? volume('csi.example.com') : undefined),
      attaches: () => attaches,
    }).values(),
  ].map((one) => `${one.uniqueName} ${one.pods.map(({ metadata }) => metadata.name).join('+')}`);

test('the name of an attachment is what attachers of upstream expect', () => {
  assert.equal(
    attachmentName('one', 'case.example.com', 'hollow-0'),
    'csi-b905079991c2d063acd63e58c6d7d4df7a3ec5117f285b09364075527a76443e',
  );
});

test('a volume is attached once for all pods of a node, and for no pod that has ended', () => {
  assert.deepEqual(wanted([pod('a'), pod('b'), pod('c', 'Succeeded')]), [
    'kubernetes.io/csi/csi.example.com^handle a+b',
  ]);
});

test('nothing is attached before the claim is bound, nor for a driver that attaches nothing', () => {
  assert.deepEqual(wanted([pod('a')], 'Pending'), []);
  assert.deepEqual(wanted([pod('a')], 'Bound', false), []);
});

test('only volumes of several nodes are shared', () => {
  assert.deepEqual([isShared(volume('a')), isShared(volume('a', ['ReadWriteMany']))], [false, true]);
});
