import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test as plainTest } from 'node:test';
import dbus from 'dbus-next';
import { eventually } from '../../../src/base/eventually.ts';
import { testFolder } from '../../harness/folder.ts';
import { apply, pod, podReady, scenario } from '../../harness/scenario.ts';

/** A bus with something on it that answers as logind does; the test's machine has none that it may switch off. */
async function fakeLogind(folder: string) {
  const address = `unix:path=${join(folder, 'bus')}`;
  const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address', `--address=${address}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(daemon.stdout, 'data');
  const bus = dbus.sessionBus({ busAddress: address });
  await bus.requestName('org.freedesktop.login1', 0);
  bus.addMethodHandler((message: dbus.Message) => {
    if (message.member !== 'Get') return false;
    bus.send(dbus.Message.newMethodReturn(message, 'v', [new dbus.Variant('t', 60_000_000n)]));
    return true;
  });
  // In place of systemd's program: it holds no lock, and ends as that does.
  const inhibit = join(folder, 'systemd-inhibit');
  await writeFile(inhibit, '#!/bin/sh\nshift 4\nexec "$@"\n');
  await chmod(inhibit, 0o755);
  return {
    address,
    /** What logind tells before a machine goes down, and when it does not after all. */
    prepare: (begins: boolean): void => {
      const of = 'org.freedesktop.login1.Manager';
      bus.send(dbus.Message.newSignal('/org/freedesktop/login1', of, 'PrepareForShutdown', 'b', [begins]));
    },
    close(): void {
      bus.disconnect();
      daemon.kill();
    },
  };
}

if (spawnSync('dbus-daemon', ['--version']).error !== undefined)
  plainTest('a machine that is switched off', { skip: 'needs dbus-daemon' }, () => {});
else {
  const folder = await testFolder('logind');
  const logind = await fakeLogind(folder);
  process.env.DBUS_SYSTEM_BUS_ADDRESS = logind.address;
  process.env.PATH = `${folder}:${process.env.PATH ?? ''}`;
  after(async () => {
    logind.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { test } = await scenario({
    serverArgs: ['shutdown-grace-period=20s', 'shutdown-grace-period-critical-pods=5s'].flatMap((argument) => [
      '--kubelet-arg',
      argument,
    ]),
  });

  test('a machine that is switched off ends its pods in their time, and takes none', async (cluster) => {
    const script = 'trap "echo ends; sleep 2; echo ended; exit 0" TERM; echo runs; while :; do sleep 0.2; done';
    await apply(
      cluster,
      pod('careful', { command: ['sh', '-c', script], spec: { terminationGracePeriodSeconds: 10 } }),
    );
    await podReady(cluster, 'careful');
    await eventually('the log', async () => assert.equal(await cluster.kubectl('logs', 'careful'), 'runs\n'));
    logind.prepare(true);
    await eventually('the node to be not ready', async () =>
      assert.match(
        await cluster.kubectl('get', 'node', 'one', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].message}'),
        /node is shutting down/,
      ),
    );
    const state = (name: string): Promise<string> =>
      cluster.kubectl('get', 'pod', name, '-o', 'jsonpath={.status.phase} {.status.reason}: {.status.message}');
    await eventually('the end of the pod', async () =>
      assert.equal(
        await state('careful'),
        'Failed Terminated: Pod was terminated in response to imminent node shutdown.',
      ),
    );
    assert.equal(await cluster.kubectl('logs', 'careful'), 'runs\nends\nended\n');
    const late = pod('late', { node: 'one', spec: { tolerations: [{ operator: 'Exists' }] } });
    await apply(cluster, late);
    await eventually('the refusal of another pod', async () =>
      assert.equal(
        await state('late'),
        'Failed NodeShutdown: Pod was rejected: Pod was rejected as the node is shutting down.',
      ),
    );
    logind.prepare(false);
    await eventually('the node to be ready again', async () =>
      assert.equal(
        await cluster.kubectl('get', 'node', 'one', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'),
        'True',
      ),
    );
  });
}
