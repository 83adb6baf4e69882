import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
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

  test('a shutdown that begins is heard of', async () => {
    const watch = createShutdownWatch({ bus: createBus({ address }) });
    const { promise, resolve } = Promise.withResolvers<void>();
    await watch.onShutdown(resolve);
    signal('/org/freedesktop/login1', 'org.freedesktop.login1.Manager', 'PrepareForShutdown', 'b', [true]);
    await promise;
    watch.close();
  });
}
