import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceRequirements } from '../../api/gen/core-v1.ts';
import type { LinuxResources } from '../../cri/types.ts';
import { annotationNames, resourcesHash } from '../pod/labels.ts';
import { testContainer, testPod, viewOf } from '../testing.ts';
import { createAllocation, planResizes } from './resize.ts';

const node = { seccompRoot: '', appArmorEnabled: false, memoryCapacity: 1024 ** 3, hugePageSizes: [] };
const podOf = (resources: ResourceRequirements, restartPolicy = 'NotRequired') =>
  testPod({
    containers: [{ name: 'main', image: 'img', resources, resizePolicy: [{ resourceName: 'memory', restartPolicy }] }],
  });
const small = { limits: { cpu: '100m', memory: '64Mi' } };
const large = { limits: { cpu: '200m', memory: '128Mi' } };
const running = (linux: LinuxResources) =>
  viewOf(
    testContainer('main', {
      resources: { linux },
      annotations: { [annotationNames.resources]: resourcesHash({ name: 'main', resources: small }) },
    }),
  );
const asSmall = running({ cpuShares: 102, cpuQuota: 10_000, memoryLimitInBytes: 64 * 1024 ** 2 });

test('what a container was created with needs no change', () => {
  assert.deepStrictEqual(planResizes(podOf(small), asSmall, node, new Map()), []);
});

test('other limits are given in place, or by a restart where the container wants that', () => {
  const [plan] = planResizes(podOf(large), asSmall, node, new Map());
  assert.deepStrictEqual(
    [plan?.restart, plan?.resources.cpuQuota, plan?.resources.memoryLimitInBytes],
    [false, 20_000, 128 * 1024 ** 2],
  );
  assert.equal(planResizes(podOf(large, 'RestartContainer'), asSmall, node, new Map())[0]?.restart, true);
});

test('what was applied is not applied again, whatever the runtime says', () => {
  const applied = new Map([['main-id', resourcesHash({ name: 'main', resources: large })]]);
  assert.deepStrictEqual(planResizes(podOf(large), asSmall, node, applied), []);
});

test('a size that the node does not have is kept back with its reason', () => {
  let room = false;
  const allocation = createAllocation({
    refusal: () => (room ? undefined : { reason: 'Deferred', message: 'no room' }),
  });
  allocation.apply(podOf(small));
  const held = allocation.apply(podOf(large));
  assert.deepStrictEqual([held.pod.spec.containers[0]?.resources, held.pending?.reason], [small, 'Deferred']);
  room = true;
  const given = allocation.apply(podOf(large));
  assert.deepStrictEqual([given.pod.spec.containers[0]?.resources, given.pending], [large, undefined]);
});
