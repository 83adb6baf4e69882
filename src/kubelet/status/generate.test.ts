import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodStatus } from '../../api/gen/core-v1.ts';
import type { NodePod } from '../pod/pod.ts';
import { exited, testContainer, testPod, viewOf } from '../testing.ts';
import { emptyView, type PodView } from '../worker/pod-view.ts';
import { generateStatus, type StatusInput } from './generate.ts';

const now = '2026-01-01T00:00:00Z';
const status = (pod: NodePod, view: PodView, more: Partial<StatusInput> = {}): PodStatus =>
  generateStatus({
    pod,
    view,
    previous: pod.status ?? {},
    failures: new Map(),
    health: () => ({ started: true, ready: true }),
    terminal: false,
    hostIPs: ['192.0.2.1'],
    recursiveReadOnly: false,
    now,
    ...more,
  });

const conditions = (s: PodStatus) => Object.fromEntries((s.conditions ?? []).map((c) => [c.type, c.status]));

test('a running pod, whole', () => {
  const pod = testPod({}, { metadata: { generation: 4 } });
  const all = (type: string) => ({ type, status: 'True', lastTransitionTime: now, observedGeneration: 4 });
  assert.deepStrictEqual(status(pod, viewOf(testContainer('main'))), {
    observedGeneration: 4,
    phase: 'Running',
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(all),
    hostIP: '192.0.2.1',
    hostIPs: [{ ip: '192.0.2.1' }],
    podIP: '10.0.0.9',
    podIPs: [{ ip: '10.0.0.9' }],
    startTime: now,
    containerStatuses: [
      {
        name: 'main',
        image: 'img',
        imageID: 'sha256:x',
        containerID: 'containerd://main-id',
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: '1970-01-01T00:00:03Z' } },
        lastState: {},
        resources: {},
      },
    ],
    qosClass: 'BestEffort',
  });
});

test('before anything runs the pod is pending and says what it waits for', () => {
  const s = status(testPod(), emptyView);
  assert.equal(s.phase, 'Pending');
  assert.deepStrictEqual(s.containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
  assert.equal(s.conditions?.find((c) => c.type === 'Ready')?.message, 'containers with unready status: [main]');
  assert.equal(s.podIP, undefined);
});

const phases: [string, NodePod, PodView, string, Partial<StatusInput>?][] = [
  [
    'all containers succeeded for good',
    testPod({ restartPolicy: 'Never' }),
    viewOf(testContainer('main', exited(0))),
    'Succeeded',
  ],
  ['one failed for good', testPod({ restartPolicy: 'Never' }), viewOf(testContainer('main', exited(2))), 'Failed'],
  [
    'one failed and will run again',
    testPod({ restartPolicy: 'OnFailure' }),
    viewOf(testContainer('main', exited(2))),
    'Running',
  ],
  ['a pod that runs for ever is between two runs', testPod(), viewOf(testContainer('main', exited(0))), 'Running'],
  [
    'the same, but it is being ended',
    testPod(),
    viewOf(testContainer('main', exited(0))),
    'Succeeded',
    { terminal: true },
  ],
  [
    'an init container failed for good',
    testPod({ restartPolicy: 'Never', initContainers: [{ name: 'init' }] }),
    viewOf(testContainer('init', exited(1))),
    'Failed',
  ],
  [
    'the node has decided',
    testPod(),
    viewOf(testContainer('main')),
    'Failed',
    { verdict: { phase: 'Failed', reason: 'Evicted', message: 'm' } },
  ],
];
for (const [name, pod, view, phase, more] of phases)
  test(`phase: ${name}`, () => assert.equal(status(pod, view, more).phase, phase));

test('a container that crashes again and again waits, with its last end beside it', () => {
  const failures = new Map([['main', { reason: 'CrashLoopBackOff', message: 'back-off 10s' }]]);
  const container = status(testPod(), viewOf(testContainer('main', { ...exited(3), restartCount: 2 })), { failures })
    .containerStatuses?.[0];
  assert.deepStrictEqual(container?.state, { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } });
  assert.equal(container?.lastState?.terminated?.exitCode, 3);
  assert.equal(container?.restartCount, 2);
});

test('readiness and readiness gates decide about Ready', () => {
  const unready = status(testPod(), viewOf(testContainer('main')), { health: () => ({ started: true, ready: false }) });
  assert.deepStrictEqual([conditions(unready).Ready, conditions(unready).ContainersReady], ['False', 'False']);
  const gated = status(
    testPod({ readinessGates: [{ conditionType: 'example.test/ok' }] }),
    viewOf(testContainer('main')),
  );
  assert.deepStrictEqual([conditions(gated).Ready, conditions(gated).ContainersReady], ['False', 'True']);
});

test("others' conditions are kept, and times change only with their status", () => {
  const before = '2025-01-01T00:00:00Z';
  const pod = testPod(
    {},
    {
      status: {
        conditions: [
          { type: 'example.test/ok', status: 'True', lastTransitionTime: before },
          { type: 'Ready', status: 'True', lastTransitionTime: before },
          { type: 'Initialized', status: 'False', lastTransitionTime: before },
        ],
      },
    },
  );
  const made = status(pod, viewOf(testContainer('main'))).conditions ?? [];
  const time = (type: string) => made.find((c) => c.type === type)?.lastTransitionTime;
  assert.deepStrictEqual([time('example.test/ok'), time('Ready'), time('Initialized')], [before, before, now]);
});

test('a container that vanished while it ran counts as ended', () => {
  const pod = testPod(
    {},
    {
      status: {
        containerStatuses: [
          {
            name: 'main',
            image: 'img',
            imageID: '',
            ready: true,
            restartCount: 1,
            state: { running: { startedAt: now } },
          },
        ],
      },
    },
  );
  const [container] = status(pod, viewOf()).containerStatuses ?? [];
  assert.equal(container?.lastState?.terminated?.reason, 'ContainerStatusUnknown');
  assert.equal(container?.restartCount, 2);
});
