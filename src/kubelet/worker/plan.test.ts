import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodePod } from '../pod/pod.ts';
import { exited, testContainer, testPod, testSandbox, viewOf } from '../testing.ts';
import { type Plan, type ProbeVerdict, planPod } from './plan.ts';
import { emptyView, type PodView } from './pod-view.ts';

const brief = (plan: Plan) => ({
  ...(plan.killPod ? { killPod: true } : {}),
  ...(plan.createSandbox ? { sandbox: plan.attempt } : {}),
  ...(plan.kill.length > 0 ? { kill: plan.kill.map((k) => k.message) } : {}),
  start: plan.start.map((i) => i.container.name),
});

const withInit = (spec: Partial<NodePod['spec']> = {}) =>
  testPod({
    initContainers: [
      { name: 'first', image: 'img' },
      { name: 'side', image: 'img', restartPolicy: 'Always' },
      { name: 'last', image: 'img' },
    ],
    ...spec,
  });

const never: ProbeVerdict = () => undefined;
const lost: PodView = { sandboxes: [testSandbox({ state: 'SANDBOX_NOTREADY' })], containers: [] };

const rows: [string, NodePod, PodView, object, ProbeVerdict?][] = [
  ['a new pod gets a sandbox and its containers', testPod(), emptyView, { killPod: true, sandbox: 0, start: ['main'] }],
  [
    'a new pod with init containers begins with the first',
    withInit(),
    emptyView,
    { killPod: true, sandbox: 0, start: ['first'] },
  ],
  ['what runs is left alone', testPod(), viewOf(testContainer('main')), { start: [] }],
  ['what has ended is started again', testPod(), viewOf(testContainer('main', exited(0))), { start: ['main'] }],
  [
    'OnFailure does not repeat a success: nothing is left to do',
    testPod({ restartPolicy: 'OnFailure' }),
    viewOf(testContainer('main', exited(0))),
    { killPod: true, start: [] },
  ],
  [
    'Never repeats nothing',
    testPod({ restartPolicy: 'Never' }),
    viewOf(testContainer('main', exited(3))),
    { killPod: true, start: [] },
  ],
  [
    'another image replaces the container',
    testPod({ containers: [{ name: 'main', image: 'new' }] }),
    viewOf(testContainer('main')),
    { kill: ['Container main definition changed, will be restarted'], start: ['main'] },
  ],
  [
    'a failed liveness probe replaces the container',
    testPod({ containers: [{ name: 'main', image: 'img', livenessProbe: {} }] }),
    viewOf(testContainer('main')),
    { kill: ['Container main failed liveness probe, will be restarted'], start: ['main'] },
    (kind) => (kind === 'liveness' ? false : undefined),
  ],
  [
    'a lost sandbox is made anew with the next number',
    testPod(),
    { ...lost, containers: [testContainer('main', exited(137))] },
    { killPod: true, sandbox: 1, start: ['main'] },
  ],
  [
    'a pod that may not restart is not given another sandbox',
    testPod({ restartPolicy: 'Never' }),
    { ...lost, containers: [testContainer('main', exited(1))] },
    { killPod: true, start: [] },
  ],
  [
    'after an init container comes the next',
    withInit(),
    viewOf(testContainer('first', exited(0))),
    { start: ['side'] },
  ],
  [
    'a running sidecar lets the next begin',
    withInit(),
    viewOf(testContainer('side'), testContainer('first', exited(0))),
    { start: ['last'] },
  ],
  [
    'the last init container lets the main ones begin',
    withInit(),
    viewOf(testContainer('last', exited(0)), testContainer('side'), testContainer('first', exited(0))),
    { start: ['main'] },
  ],
  [
    'an init container that failed is tried again',
    withInit(),
    viewOf(testContainer('first', exited(1))),
    { start: ['first'] },
  ],
  [
    'an init container that failed for good ends the pod',
    withInit({ restartPolicy: 'Never' }),
    viewOf(testContainer('first', exited(1))),
    { killPod: true, start: [] },
  ],
  [
    'a sidecar that ended is started again beside what runs',
    withInit(),
    viewOf(
      testContainer('main'),
      testContainer('last', exited(0)),
      testContainer('side', exited(1)),
      testContainer('first', exited(0)),
    ),
    { start: ['side'] },
  ],
  [
    'when all main containers are done, sidecars do not hold the pod',
    withInit({ restartPolicy: 'Never' }),
    viewOf(
      testContainer('main', exited(0)),
      testContainer('last', exited(0)),
      testContainer('side'),
      testContainer('first', exited(0)),
    ),
    { killPod: true, start: [] },
  ],
  [
    'init containers of an earlier sandbox do not count',
    withInit(),
    viewOf(testContainer('last', { ...exited(0), sandboxId: 's0' })),
    { start: ['first'] },
  ],
  [
    'an ephemeral container is started once',
    testPod({ ephemeralContainers: [{ name: 'debug', image: 'img' }] }),
    viewOf(testContainer('main')),
    { start: ['debug'] },
  ],
];

for (const [name, pod, view, expected, probes = never] of rows)
  test(name, () => assert.deepStrictEqual(brief(planPod(pod, view, probes)), expected));
