import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../api/gen/core-v1.ts';
import { exemptWarning, warningsAbout } from './namespaces.ts';
import { defaultPolicy, modes, policyOf, shown } from './policy.ts';

const none = defaultPolicy(undefined);
const read = (labels: Record<string, string>) => {
  const prefixed = Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]);
  const { policy, problems } = policyOf(Object.fromEntries(prefixed), none);
  return { policy: modes.map((mode) => shown(policy[mode])), problems: problems.map((p) => p.message) };
};

test('what is enforced is warned about, unless the labels say what is', () => {
  assert.deepStrictEqual(read({}), {
    policy: ['privileged:latest', 'privileged:latest', 'privileged:latest'],
    problems: [],
  });
  assert.deepStrictEqual(read({ enforce: 'baseline', 'enforce-version': 'v1.30' }).policy, [
    'baseline:v1.30',
    'privileged:latest',
    'baseline:v1.30',
  ]);
  assert.deepStrictEqual(read({ enforce: 'restricted', warn: 'baseline' }).policy[2], 'baseline:latest');
});

test('labels that cannot be read are told, and enforce the strictest', () => {
  assert.deepStrictEqual(read({ enforce: 'x', warn: 'y', 'audit-version': 'v2' }), {
    policy: ['restricted:latest', 'privileged:latest', 'privileged:latest'],
    problems: [
      'Invalid value: "x": must be one of privileged, baseline, restricted',
      'Invalid value: "v2": must be "latest" or "v1.x"',
      'Invalid value: "y": must be one of privileged, baseline, restricted',
    ],
  });
});

const pod = (name: string, spec: object): Pod =>
  ({ metadata: { name }, spec: { containers: [{ name: 'c' }], ...spec } }) as unknown as Pod;

test('pods that a new level would not let in are counted by what they do', async () => {
  const pods = [
    pod('c', {}),
    pod('b', { hostNetwork: true }),
    pod('a', { hostNetwork: true }),
    pod('z', { hostPID: true, hostUsers: true }),
  ];
  assert.deepStrictEqual(await warningsAbout('ns', pods, { level: 'baseline', minor: Number.POSITIVE_INFINITY }), [
    'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 2 other pods): host namespaces',
  ]);
});

test('a check that takes too long says how far it came', async () => {
  let time = 0;
  const late = () => (time += 600);
  assert.deepStrictEqual(
    await warningsAbout('ns', [pod('a', {}), pod('b', {}), pod('c', {})], { level: 'baseline', minor: 30 }, late),
    ['new PodSecurity enforce level only checked against the first 2 of 3 existing pods'],
  );
});

test('an exempt namespace is told that its labels are for nothing', () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
  assert.equal(
    exemptWarning('ns', labels, policyOf(labels, none).policy, none),
    'namespace "ns" is exempt from Pod Security, and the policy (enforce=baseline:latest) will be ignored',
  );
});
