import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import dbus from 'dbus-next';
import { KnarrError } from '../base/errors.ts';
import { createBus, variant } from './dbus.ts';
import { createShutdownWatch } from './shutdown.ts';
import { createSliceManager } from './slices.ts';
import { createSystemd, unitPath } from './systemd.ts';

test('object paths of units', () => {
  assert.equal(unitPath('containerd.service'), '/org/freedesktop/systemd1/unit/containerd_2eservice');
  assert.equal(unitPath('a-b@1.mount'), '/org/freedesktop/systemd1/unit/a_2db_401_2emount');
});

test('a bus that is not there is said so, and each call is tried anew', async () => {
  const systemd = createSystemd({ bus: createBus({ address: 'unix:path=/nonexistent/bus' }) });
  for (let i = 0; i < 2; i++)
    await assert.rejects(systemd.unitState('x.service'), (error) => (error as KnarrError).code === 'dbus-unreachable');
});

const noDaemon = spawnSync('dbus-daemon', ['--version']).error !== undefined && 'needs dbus-daemon';

if (noDaemon) test('units over a bus', { skip: noDaemon }, () => {});
else withBus();

/** A bus of our own with something on it that answers as the service manager and logind do. */
function withBus(): void {
  const folder = mkdtempSync(join(tmpdir(), 'knarr-bus-'));
  const address = `unix:path=${join(folder, 'bus')}`;
  const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address', `--address=${address}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let fake: dbus.MessageBus;
  let active = 'inactive';
  let jobs = 0;
  let delayMs = 5_000;
  const calls: string[] = [];

  const signal = (path: string, of: string, member: string, signature: string, body: unknown[]): void =>
    fake.send(dbus.Message.newSignal(path, of, member, signature, body));
  const answer = (message: dbus.Message): boolean => {
    const reply = (signature: string, body: unknown[]): void =>
      fake.send(dbus.Message.newMethodReturn(message, signature, body));
    const [unit] = (message.body ?? []) as string[];
    calls.push(`${message.member} ${unit ?? ''}`.trim());
    const refuse = (name: string, text: string): void =>
      // The declarations are wrong here: it takes the message.
      fake.send(dbus.Message.newError(message as unknown as string, name, text));
    switch (message.member) {
      case 'Get':
        reply('v', [variant('t', BigInt(delayMs * 1000))]);
        return true;
      case 'KillUnit':
        delayMs = 60_000;
        reply('', []);
        return true;
      case 'Subscribe':
      case 'SetUnitProperties':
        reply('', []);
        return true;
      case 'LoadUnit':
        if (unit === 'bad name') refuse('org.freedesktop.DBus.Error.InvalidArgs', 'Unit name is not valid.');
        else reply('o', [unitPath(unit ?? '')]);
        return true;
      case 'GetAll':
        reply('a{sv}', [
          { LoadState: variant('s', 'loaded'), ActiveState: variant('s', active), SubState: variant('s', 'x') },
        ]);
        return true;
      case 'StartUnit':
      case 'StartTransientUnit': {
        if (unit === 'kubepods-there.slice') {
          refuse('org.freedesktop.systemd1.UnitExists', `Unit ${unit} was already loaded.`);
          return true;
        }
        const job = `/org/freedesktop/systemd1/job/${++jobs}`;
        const result = unit === 'broken.service' ? 'failed' : 'done';
        if (result === 'done') active = 'active';
        const removed = (): void =>
          signal('/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'JobRemoved', 'uoss', [
            jobs,
            job,
            unit,
            result,
          ]);
        // A quick job ends before its call is answered.
        if (jobs % 2 === 0) removed();
        reply('o', [job]);
        if (jobs % 2 === 1) removed();
        signal(unitPath(unit ?? ''), 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', [
          'org.freedesktop.systemd1.Unit',
          { ActiveState: variant('s', active) },
          [],
        ]);
        return true;
      }
      case 'StopUnit':
        // any other is never answered
        if (unit === 'kubepods-there.slice') refuse('org.freedesktop.systemd1.NoSuchUnit', `Unit ${unit} not loaded.`);
        return true;
      default:
        return false;
    }
  };

  before(async () => {
    await once(daemon.stdout, 'data');
    fake = dbus.sessionBus({ busAddress: address });
    await fake.requestName('org.freedesktop.systemd1', 0);
    await fake.requestName('org.freedesktop.login1', 0);
    fake.addMethodHandler(answer);
  });
  after(() => {
    fake.disconnect();
    daemon.kill();
    rmSync(folder, { recursive: true });
  });

  test('units: state, jobs that end well and badly, changes', async () => {
    const systemd = createSystemd({ bus: createBus({ address }) });
    try {
      assert.deepStrictEqual(await systemd.unitState('containerd.service'), {
        load: 'loaded',
        active: 'inactive',
        sub: 'x',
      });
      const { promise, resolve } = Promise.withResolvers<string>();
      await systemd.onUnitChange('containerd.service', (state) => resolve(state.active));
      await systemd.startUnit('containerd.service');
      assert.equal(await promise, 'active');
      await systemd.startTransientUnit('knarr-test.scope', [['PIDs', 'au', [process.pid]]]);
      for (let i = 0; i < 2; i++)
        await assert.rejects(systemd.startUnit('broken.service'), {
          code: 'unit-job-failed',
          details: { unit: 'broken.service', why: 'failed' },
        });
      await assert.rejects(systemd.unitState('bad name'), (error) => {
        assert.ok(error instanceof KnarrError);
        return error.details.name === 'org.freedesktop.DBus.Error.InvalidArgs';
      });
      assert.ok(calls.includes('Subscribe'));
    } finally {
      systemd.close();
    }
  });

  test('a slice that is there gets its limits, and one that is gone is gone', async () => {
    const slices = createSliceManager({ weightOf: (shares) => shares, bus: createBus({ address }) });
    try {
      calls.length = 0;
      for (const name of ['kubepods-new.slice', 'kubepods-new.slice', 'kubepods-there.slice'])
        await slices.ensure(name, { memoryLimit: 1 << 20 });
      assert.deepStrictEqual(calls, [
        'StartTransientUnit kubepods-new.slice',
        'SetUnitProperties kubepods-new.slice',
        'StartTransientUnit kubepods-there.slice',
        'SetUnitProperties kubepods-there.slice',
      ]);
      await slices.remove('kubepods-there.slice');
    } finally {
      slices.close();
    }
  });

  test('a call that is not answered ends by its time limit', async () => {
    const bus = createBus({ address });
    const call = { destination: 'org.freedesktop.systemd1', path: '/x', interface: 'org.freedesktop.systemd1.Manager' };
    await assert.rejects(bus.call({ ...call, member: 'StopUnit', timeoutMs: 50 }), { code: 'dbus-timeout' });
    bus.close();
  });

  test('a shutdown that begins is heard of, and that it was called off', async () => {
    const watch = createShutdownWatch({ bus: createBus({ address }) });
    const { promise, resolve } = Promise.withResolvers<void>();
    const heard: boolean[] = [];
    await watch.onChange((shuttingDown) => {
      heard.push(shuttingDown);
      if (!shuttingDown) resolve();
    });
    for (const begins of [true, false])
      signal('/org/freedesktop/login1', 'org.freedesktop.login1.Manager', 'PrepareForShutdown', 'b', [begins]);
    await promise;
    assert.deepEqual(heard, [true, false]);
    watch.close();
  });

  test('logind is told to wait longer where it would not, and the lock is held while it is', async () => {
    const dropIn = join(folder, 'logind.conf.d/99-kubelet.conf');
    const program = join(folder, 'inhibit');
    writeFileSync(program, '#!/bin/sh\nshift 4\nexec "$@"\n', { mode: 0o755 });
    const watch = createShutdownWatch({ bus: createBus({ address }), program, dropIn, waitMs: 1 });
    calls.length = 0;
    await watch.allow(4_000);
    assert.deepEqual(calls, ['Get org.freedesktop.login1.Manager']);
    await watch.allow(30_000);
    assert.equal(readFileSync(dropIn, 'utf8'), '[Login]\nInhibitDelayMaxSec=30\n');
    assert.ok(calls.includes('KillUnit systemd-logind.service'));
    await assert.rejects(watch.allow(3_600_000), { code: 'shutdown-delay' });
    await watch.hold('a test');
    await watch.release();
    watch.close();
    const none = createShutdownWatch({ bus: createBus({ address }), program: '/nonexistent' });
    await assert.rejects(none.hold('a test'), { code: 'no-inhibitor' });
    none.close();
  });
}
