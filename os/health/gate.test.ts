import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import type { Pod } from '../../src/api/gen/core-v1.ts';
import { run } from '../../src/base/run.ts';
import type { Client } from '../../src/client/client.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { type HealthCheck, judge, type Verdict } from './checks.ts';
import { containersHere } from './containers.ts';
import { healthGate } from './gate.ts';
import { runHooks } from './hooks.ts';
import { missingWorkloads, workloadsOn } from './workloads.ts';

const nobody = { isServer: false, admin: undefined, node: undefined, close() {} };
const host: Host = { path: (path) => path, run };

const gate = (verdicts: readonly Verdict[], deadlineSeconds = 60, said: string[] = []) => {
  let look = 0;
  const check: HealthCheck = {
    name: 'api',
    run: async () => verdicts[Math.min(look++, verdicts.length - 1)],
  };
  return healthGate({
    host,
    state: upgradeState('/nowhere'),
    deadlineSeconds,
    say: (text) => said.push(text),
    everyMs: 5,
    settleMs: 20,
    checks: [check],
    open: async () => nobody,
  });
};

test('the gate opens when all has been well for a while', async () => {
  const said: string[] = [];
  const wait = { wait: 'no answer' };
  assert.deepStrictEqual(await gate([wait, wait, undefined, wait, undefined], 60, said), []);
  assert.deepStrictEqual(said, ['health: waiting: api: no answer']);
});

test('it stays shut at the deadline, and at once for what will never be well', async () => {
  assert.deepStrictEqual(await gate([{ wait: 'no answer' }], 0.05), ['api: no answer']);
  assert.deepStrictEqual(await gate([{ fail: 'broken' }]), ['api: broken']);
});

test('what the daemon has not written whole yet is a reason to wait', async () => {
  let opened = 0;
  const half = async () => {
    if (opened++ === 0) throw new Error('no certificate');
    return nobody;
  };
  const said: string[] = [];
  const options = {
    host,
    state: upgradeState('/nowhere'),
    deadlineSeconds: 60,
    say: (text: string) => said.push(text),
  };
  assert.deepStrictEqual(await healthGate({ ...options, everyMs: 5, settleMs: 20, checks: [], open: half }), []);
  assert.deepStrictEqual(said, ['health: waiting: credentials: no certificate']);
});

test('a check that cannot look is a reason to wait', async () => {
  const checks: HealthCheck[] = [
    { name: 'services', run: async () => undefined },
    {
      name: 'workloads',
      run: async () => {
        throw new Error('connection refused');
      },
    },
  ];
  const context = { host, state: upgradeState('/nowhere'), clients: nobody, failedBefore: new Set<string>() };
  assert.deepStrictEqual(await judge(checks, context), { waits: ['workloads: connection refused'], fails: [] });
});

test('the user’s own checks: what is executable is run, and tells why it is not content', async () => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-hooks-'));
  try {
    const [etc, lib] = ['etc/knarr/health.d', 'var/lib/knarr/health.d'].map((folder) => join(root, folder)) as [
      string,
      string,
    ];
    const put = async (path: string, text: string, mode = 0o755): Promise<void> => {
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, `#!/bin/sh\n${text}\n`);
      await chmod(path, mode);
    };
    await put(join(etc, '10-good'), 'exit 0');
    await put(join(etc, '20-note'), 'exit 1', 0o644);
    await put(join(lib, 'disk'), 'echo looking >&2; echo disk is full >&2; exit 3');
    await mkdir(join(lib, 'folder'));
    const inRoot: Host = { path: (path) => join(root, path), run };
    assert.deepStrictEqual(await runHooks(inRoot), ['disk: exit code 3: disk is full']);
    // one that hangs in a program of its own, which nobody waits for
    await put(join(lib, 'disk'), `sleep 600 & echo $! >${join(root, 'pid')}; wait`);
    const impatient: Host = { ...inRoot, run: (program, args) => run(program, args, { timeoutMs: 1_000 }) };
    assert.deepStrictEqual(await runHooks(impatient), ['disk: not done after 1 s']);
    assert.ok(process.kill(Number(await readFile(join(root, 'pid'), 'utf8'))));
  } finally {
    await rm(root, { recursive: true });
  }
});

const pod = (name: string, ready: boolean, owner?: readonly [string, string], more: Partial<Pod> = {}): Pod => ({
  metadata: {
    name,
    namespace: 'n',
    uid: name,
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 'v1', kind: owner[0], name: owner[1], uid: `${owner[1]}-uid`, controller: true },
          ],
        }),
  },
  spec: { containers: [] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  ...more,
});
const clientOf = (pods: readonly Pod[]): Client =>
  ({ list: async () => ({ items: pods, metadata: {} }) }) as unknown as Client;

const web = ['ReplicaSet', 'web'] as const;
const before = [
  pod('web-1', true, web),
  pod('web-2', true, web),
  pod('web-3', false, web),
  pod('bare', true),
  pod('ds-1', true, ['DaemonSet', 'ds']),
  pod('job-1', true, ['Job', 'job']),
  pod('never', false, ['ReplicaSet', 'never']),
];

test('what is remembered is what was ready and is to run for ever', async () => {
  assert.deepStrictEqual(
    (await workloadsOn(clientOf(before), 'node')).map(({ kind, name, ready }) => `${kind} ${name} ${ready}`),
    ['ReplicaSet web 2', 'Pod bare 1', 'DaemonSet ds 1'],
  );
});

const crashing = (name: string, owner: readonly [string, string]): Pod =>
  pod(name, false, owner, {
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'c',
          image: '',
          imageID: '',
          ready: false,
          restartCount: 3,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
        },
      ],
    },
  });

const cases: Record<string, { now: Pod[]; missing: string[]; wanted?: boolean }> = {
  'all is there': { now: before, missing: [] },
  'fewer are ready than were': {
    now: [pod('web-1', true, web), crashing('web-2', web), ...before.slice(3)],
    missing: ['ReplicaSet n/web: 1 of 2 pods ready (web-2: CrashLoopBackOff)'],
  },
  'what went elsewhere or is no longer wanted is no fault': { now: before.slice(0, 3), missing: [], wanted: false },
  'what is wanted and is nowhere is one': {
    now: before.slice(0, 4),
    missing: ['DaemonSet n/ds: none of its pods is ready'],
    wanted: true,
  },
  'fewer pods are wanted than before': { now: [pod('web-1', true, web), ...before.slice(3)], missing: [] },
};
for (const [name, { now, missing, wanted }] of Object.entries(cases))
  test(`workloads: ${name}`, async () => {
    const remembered = await workloadsOn(clientOf(before), 'node');
    assert.deepStrictEqual(await missingWorkloads(remembered, clientOf(now), 'node', async () => wanted), missing);
  });

test('workloads: what the API says of an earlier boot is not believed', async () => {
  const [old, young] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];
  const status = (containerID: string) => ({
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: 0, containerID }],
    },
  });
  const client = clientOf([pod('web-1', true, web, status(`containerd://${old}`))]);
  const remembered = await workloadsOn(client, 'node');
  const root = await mkdtemp(join(tmpdir(), 'knarr-cgroups-'));
  const inRoot: Host = { path: (path) => join(root, path), run };
  const missing = async (): Promise<string[]> =>
    missingWorkloads(remembered, client, 'node', async () => true, await containersHere(inRoot));
  const group = (id: string): Promise<unknown> =>
    mkdir(join(root, `sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`), {
      recursive: true,
    });
  try {
    assert.deepStrictEqual(await missing(), []);
    await group(young);
    assert.deepStrictEqual(await missing(), [
      'ReplicaSet n/web: 0 of 1 pods ready (web-1: its containers are not there yet)',
    ]);
    await group(old);
    assert.deepStrictEqual(await missing(), []);
  } finally {
    await rm(root, { recursive: true });
  }
});
