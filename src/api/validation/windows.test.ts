import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodSpec } from '../gen/core-v1.ts';
import { Problems } from './problems.ts';
import { validateForSystem, validateHostProcess, validateWindowsOptions } from './windows.ts';

const fields = (check: (p: Problems) => void): string[] => {
  const p = new Problems();
  check(p);
  return p.causes.map(({ field }) => field ?? '');
};
const process = (hostProcess?: boolean) => (hostProcess === undefined ? {} : { windowsOptions: { hostProcess } });
const pod = (containers: (boolean | undefined)[], more: Partial<PodSpec> = {}): PodSpec => ({
  containers: containers.map((own, i) => ({ name: `c${i}`, securityContext: process(own) })),
  ...more,
});

test('what an operating system has no use for is told, also where it says no', () => {
  const windows: PodSpec = {
    os: { name: 'windows' },
    hostPID: false,
    hostUsers: false,
    shareProcessNamespace: false,
    securityContext: { sysctls: [], fsGroup: 0 },
    containers: [{ name: 'c', securityContext: { privileged: false, windowsOptions: {} } }],
  };
  assert.deepEqual(
    fields((p) => validateForSystem(p, 'spec', windows)),
    [
      'spec.hostUsers',
      'spec.securityContext.fsGroup',
      'spec.shareProcessNamespace',
      'spec.containers[0].securityContext.privileged',
    ],
  );
  assert.deepEqual(
    fields((p) => validateForSystem(p, 'spec', { ...windows, os: { name: 'linux' } })),
    ['spec.containers[0].securityContext.windowsOptions'],
  );
});

test('processes of the host are all containers of a pod or none', () => {
  const told = (spec: PodSpec): string[] => fields((p) => validateHostProcess(p, 'spec', spec));
  assert.deepEqual(told(pod([undefined, false])), []);
  assert.deepEqual(told(pod([true, true], { hostNetwork: true })), []);
  assert.deepEqual(told(pod([undefined], { hostNetwork: true, securityContext: process(true) })), []);
  assert.deepEqual(told(pod([true, undefined])), ['spec', 'spec.hostNetwork']);
  assert.deepEqual(told(pod([true, false], { hostNetwork: true, securityContext: process(true) })), [
    'spec.containers[1].securityContext.windowsOptions.hostProcess',
    'spec',
  ]);
});

for (const [name, wrong] of [
  ['user', []],
  ['DOMAIN\\user', []],
  ['a.example.com\\user', []],
  ['', ['cannot be an empty string']],
  ['a\tb', ['cannot contain control characters']],
  ['a\\b\\c', ['cannot contain more than one backslash']],
  ['.\\user', ["'s Domain doesn't match the NetBios nor the DNS format"]],
  ['DOMAIN\\', ["'s User cannot be empty"]],
  ['. .', ["'s User cannot contain only periods or spaces"]],
  ['a'.repeat(105), ["'s User length must not be longer than 104 characters"]],
  ['a@b', [`'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`]],
] as const) {
  test(`the user ${JSON.stringify(name.slice(0, 20))} ${wrong.length === 0 ? 'is fine' : wrong[0]}`, () => {
    const p = new Problems();
    validateWindowsOptions(p, 'w', { runAsUserName: name });
    const ends = p.causes.map(({ message = '' }) => message.split(': runAsUserName')[1]?.trim());
    assert.deepEqual(ends, wrong);
  });
}
