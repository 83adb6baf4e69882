import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { beginTrial, bless } from '../health/trial.ts';
import { faultPoints } from './phases.ts';
import { rollbackMachine } from './rollback.ts';
import { machineStatus, renderStatus } from './status.ts';
import { type FakeMachine, fakeMachine } from './testing.ts';
import { upgradeMachine } from './upgrade.ts';

const trial = { tries: 2, deadlineSeconds: 600 };
const silent = (): void => {};

const upgrade = (
  machine: FakeMachine,
  from: string,
  more: { fault?: string; force?: boolean; checkOnly?: boolean } = {},
) => upgradeMachine(machine.host, from, { ...trial, force: false, checkOnly: false, ...more }, silent);

const context = async ({ host, state }: FakeMachine, say: (text: string) => void = silent) => ({
  host,
  state,
  say,
  disk: await readMachineDisk(host),
});

async function withMachine(work: (machine: FakeMachine) => Promise<void>, version?: string): Promise<void> {
  const machine = await fakeMachine(version);
  try {
    await work(machine);
  } finally {
    await machine.remove();
  }
}

test('an update is tried, kept, and the next one takes the other slot', () =>
  withMachine(async (machine) => {
    await upgrade(machine, await machine.makeUpdate('1.36.4'));
    assert.deepStrictEqual(await machine.entries(), ['knarr_1.36.3.efi', 'knarr_1.36.4+2-0.efi']);
    assert.equal(await machine.boot(), '1.36.4');
    assert.equal(await beginTrial(await context(machine)), 'on-trial');
    await bless(await context(machine));
    assert.deepStrictEqual(await machine.entries(), ['knarr_1.36.3.efi', 'knarr_1.36.4.efi']);
    assert.equal((await machine.state.read('outcome'))?.result, 'kept');
    assert.equal(await beginTrial(await context(machine)), undefined);

    await upgrade(machine, await machine.makeUpdate('1.37.0'));
    assert.deepStrictEqual(await machine.entries(), ['knarr_1.36.4.efi', 'knarr_1.37.0+2-0.efi']);
    assert.equal(await machine.boot(), '1.37.0');
  }));

for (const [from, to] of [
  ['1.36.3', '1.36.4'],
  ['1.36.4', '1.36.3'],
] as const)
  test(`${from} comes back when the tries of ${to} are used up, and says why`, () =>
    withMachine(async (machine) => {
      await upgrade(machine, await machine.makeUpdate(to));
      for (const _ of [1, 2]) {
        assert.equal(await machine.boot(), to);
        assert.equal(await beginTrial(await context(machine)), 'on-trial');
      }
      const pending = await machine.state.read('pending');
      assert.ok(pending);
      await machine.state.write('attempts', [{ id: pending.id, at: 0, reasons: ['api: no answer'] }]);
      assert.equal(await machine.boot(), from);
      const said: string[] = [];
      assert.equal(await beginTrial(await context(machine, (text) => said.push(text))), 'returned');
      assert.match(said.join(), new RegExp(`${to} was not kept, ${from} runs again: api: no answer`));
      const outcome = await machine.state.read('outcome');
      assert.deepStrictEqual([outcome?.result, outcome?.reasons], ['returned', ['api: no answer']]);
      assert.deepStrictEqual(await machine.entries(), [`knarr_${from}.efi`, `knarr_${to}+0-2.efi`].sort());
      assert.equal(await machine.boot(), from);
      assert.match(renderStatus(await machineStatus(machine.host)), /given up, 0 tries left/);
      // and what was given up can be tried again
      await upgrade(machine, await machine.makeUpdate(to));
      assert.equal(await machine.boot(), to);
    }, from));

test('where the firmware cannot count, the machine does', () =>
  withMachine(async (machine) => {
    await upgrade(machine, await machine.makeUpdate('1.36.4'));
    for (const left of [1, 0]) {
      assert.equal(await machine.boot({ counts: false }), '1.36.4');
      assert.equal(await beginTrial(await context(machine)), 'on-trial');
      assert.ok((await machine.entries()).includes(`knarr_1.36.4+${left}-${2 - left}.efi`));
    }
    assert.equal(await machine.boot({ counts: false }), '1.36.3');
    assert.equal(await beginTrial(await context(machine)), 'returned');
  }));

for (const [from, to] of [
  ['1.36.3', '1.36.4'],
  ['1.36.4', '1.36.3'],
] as const)
  test(`cut off at any point on the way from ${from} to ${to}, a whole version starts and the upgrade can be made again`, async () => {
    for (const point of faultPoints)
      await withMachine(async (machine) => {
        // the other slot holds an older version then
        await upgrade(machine, await machine.makeUpdate(from));
        await machine.boot();
        await bless(await context(machine));

        const update = await machine.makeUpdate(to);
        await assert.rejects(upgrade(machine, update, { fault: `${point}:fail` }), /fault at/, point);
        const started = await machine.boot();
        const standing = await beginTrial(await context(machine));
        const expected = started === to ? 'on-trial' : (await machine.state.read('outcome'))?.result;
        assert.ok(started === to ? standing === 'on-trial' : expected !== 'returned', `${point}: ${standing}`);
        if (started === to) await bless(await context(machine));
        else {
          assert.equal(started, from, point);
          await upgrade(machine, update);
          assert.equal(await machine.boot(), to, point);
        }
      }, '1.36.2');
  });

test('whoever looks at the entries waits until nobody writes them', () =>
  withMachine(async (machine) => {
    const mounts: string[] = [];
    const host: FakeMachine['host'] = {
      ...machine.host,
      async run(program, args, options) {
        if (program.endsWith('mount')) mounts.push(program);
        return machine.host.run(program, args, options);
      },
    };
    const from = await machine.makeUpdate('1.36.4');
    const writing = upgradeMachine(host, from, { ...trial, force: false, checkOnly: false }, silent);
    await Promise.all([writing, machineStatus(host), machineStatus(host), machineStatus(host)]);
    assert.equal(
      mounts.findIndex((program, at) => program !== (at % 2 === 0 ? 'mount' : 'umount')),
      -1,
      mounts.join(' '),
    );
  }));

test('the plan that asks is told why nothing came of it, before anything was opened too', () =>
  withMachine(async (machine) => {
    const request = { plan: 'default/os', hash: 'h-1' };
    const asked = () =>
      upgradeMachine(machine.host, '/nowhere', { ...trial, request, force: false, checkOnly: false }, silent);
    const told = async () => (await machine.state.read('progress'))?.failed;
    await assert.rejects(asked());
    assert.match((await told()) ?? '', /"\/nowhere" is no update/);
    await writeFile(join(machine.folder, 'usr/lib/os-release'), 'ID=debian\n');
    await assert.rejects(asked());
    assert.match((await told()) ?? '', /does not run Knarr’s image/);
  }));

test('--check changes nothing', () =>
  withMachine(async (machine) => {
    const before = await readFile(join(machine.folder, 'dev/vda'));
    await upgrade(machine, await machine.makeUpdate('1.36.4'), { checkOnly: true });
    assert.ok((await readFile(join(machine.folder, 'dev/vda'))).equals(before));
    assert.deepStrictEqual(await machine.entries(), ['knarr_1.36.3.efi']);
  }));

test('what is damaged, changed or signed by others never starts', () =>
  withMachine(async (machine) => {
    const update = await machine.makeUpdate('1.36.4');
    for (const file of ['root.img', 'knarr.efi']) {
      const good = await readFile(join(update, file));
      for (const bad of [Buffer.concat([good, Buffer.from('x')]), good.subarray(1), Buffer.from(good).fill(0, 9, 10)]) {
        await writeFile(join(update, file), bad);
        await assert.rejects(upgrade(machine, update), { code: 'update-digest' });
        assert.equal(await machine.next(), '1.36.3');
      }
      await writeFile(join(update, file), good);
    }
    await appendFile(join(update, 'manifest.json'), ' ');
    await assert.rejects(upgrade(machine, update), { code: 'update-signature' });
    assert.equal(await machine.next(), '1.36.3');
  }));

test('what does not fit is refused before anything changes', () =>
  withMachine(async (machine) => {
    const refused = async (code: string, version: string, change: Parameters<FakeMachine['makeUpdate']>[1]) =>
      assert.rejects(upgrade(machine, await machine.makeUpdate(version, change)), { code });
    await refused('same-version', '1.36.3', undefined);
    await refused('other-arch', '1.36.4', (m) => ({ ...m, arch: process.arch === 'arm64' ? 'amd64' : 'arm64' }));
    await refused('other-flavour', '1.36.4', (m) => ({ ...m, flavour: 'rpi' }));
    await refused('slot-too-small', '1.36.4', (m) => ({
      ...m,
      files: m.files.map((file) => ({ ...file, size: 1 << 30 })),
    }));
    assert.deepStrictEqual(await machine.entries(), ['knarr_1.36.3.efi']);
    await upgrade(machine, await machine.makeUpdate('1.36.4', (m) => ({ ...m, flavour: 'rpi' })), { force: true });
    await machine.boot();
    // no third version while the second is on trial, at its last try either
    await refused('on-trial', '1.36.5', (m) => ({ ...m, flavour: 'vm' }));
    await machine.boot();
    assert.ok((await machine.entries()).includes('knarr_1.36.4+0-2.efi'));
    await refused('on-trial', '1.36.5', (m) => ({ ...m, flavour: 'vm' }));
  }));

test('who thinks better of going to an older version, and takes a newer one, comes back from that', () =>
  withMachine(async (machine) => {
    await upgrade(machine, await machine.makeUpdate('1.36.2'));
    assert.equal(await machine.next(), '1.36.2');
    await upgrade(machine, await machine.makeUpdate('1.36.4'));
    for (const _ of [1, 2]) assert.equal(await machine.boot(), '1.36.4');
    assert.equal(await machine.boot(), '1.36.3');
  }));

for (const to of ['1.36.2', '1.36.4'])
  test(`an upgrade to ${to} that was not started yet is taken back`, () =>
    withMachine(async (machine) => {
      const back = () => rollbackMachine(machine.host, { ...trial, restoreDatastore: false }, silent);
      await upgrade(machine, await machine.makeUpdate(to));
      assert.equal(await machine.next(), to);
      assert.deepStrictEqual(await back(), { from: '1.36.3', to: '1.36.3' });
      assert.equal(await machine.boot(), '1.36.3');
      assert.equal(await beginTrial(await context(machine)), undefined);
      assert.match(renderStatus(await machineStatus(machine.host)), /it was taken back before it was started/);
      // and may be tried after all
      assert.deepStrictEqual(await back(), { from: '1.36.3', to });
      assert.equal(await machine.boot(), to);
    }));

test('while a daemon is on trial neither slot is touched', () =>
  withMachine(async (machine) => {
    const at = { tries: 3, deadlineSeconds: 60, source: '', at: 0 };
    await machine.state.write('pending', { id: 'd', kind: 'daemon', from: '1.36.3', to: '1.36.3', ...at });
    await assert.rejects(upgrade(machine, await machine.makeUpdate('1.36.4')), { code: 'on-trial' });
    const rollback = rollbackMachine(machine.host, { ...trial, restoreDatastore: false }, silent);
    await assert.rejects(rollback, { code: 'on-trial' });
    assert.deepStrictEqual(await machine.entries(), ['knarr_1.36.3.efi']);
  }));

test('a person goes back, and forth again', () =>
  withMachine(async (machine) => {
    const back = () => rollbackMachine(machine.host, { ...trial, restoreDatastore: false }, silent);
    await assert.rejects(back(), { code: 'nothing-to-go-back-to' });
    await upgrade(machine, await machine.makeUpdate('1.36.4'));
    await machine.boot();
    await bless(await context(machine));
    assert.deepStrictEqual(await back(), { from: '1.36.4', to: '1.36.3' });
    assert.equal(await machine.boot(), '1.36.3');
    assert.equal(await beginTrial(await context(machine)), 'on-trial');
    await bless(await context(machine));
    assert.equal(await machine.boot(), '1.36.3');
    await back();
    assert.equal(await machine.boot(), '1.36.4');
    await bless(await context(machine));
    // on trial, going back gives the new version up
    await upgrade(machine, await machine.makeUpdate('1.36.5'));
    await machine.boot();
    await back();
    assert.equal(await machine.boot(), '1.36.4');
    assert.equal(await beginTrial(await context(machine)), 'returned');
  }));
