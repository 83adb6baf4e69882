import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { readPartitions } from '../disk/gpt.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { beginTrial } from '../health/trial.ts';
import { fakeMachine } from '../update/testing.ts';
import { upgradeMachine } from '../update/upgrade.ts';
import { reset } from './command.ts';
import { beBorn } from './kept.ts';

const asked = { tries: 2, deadlineSeconds: 60, force: false, checkOnly: false };
const silent = (): void => {};

test('a trial goes on that a reset by the kernel’s command line came into', async () => {
  const machine = await fakeMachine();
  const { host, state } = machine;
  const context = async () => ({ host, state, say: silent, disk: await readMachineDisk(host) });
  try {
    await upgradeMachine(host, await machine.makeUpdate('1.36.4'), asked, silent);
    await machine.boot();
    await rm(host.path('/var'), { recursive: true });
    await beBorn(host, '1.36.4');
    assert.equal(await beginTrial(await context()), 'on-trial');
    assert.equal(await machine.boot(), '1.36.4');
    assert.equal(await beginTrial(await context()), 'on-trial');
    assert.equal(await machine.boot(), '1.36.3');
    assert.equal(await beginTrial(await context()), 'returned');
    // the next life of what is kept
    await rm(host.path('/var'), { recursive: true });
    await beBorn(host, '1.36.3');
    assert.equal(await beginTrial(await context()), undefined);
  } finally {
    await machine.remove();
  }
});

test('a machine is reset when no version is on trial: nobody would know of it afterwards', async () => {
  const machine = await fakeMachine();
  const labels = async () => (await readPartitions(machine.host.path('/dev/vda'))).partitions.map(({ label }) => label);
  try {
    await upgradeMachine(machine.host, await machine.makeUpdate('1.36.4'), asked, silent);
    const now = () => reset({ keepConfig: false, wipe: false }, machine.host);
    await assert.rejects(now(), { code: 'on-trial', message: /the reset has to wait until 1\.36\.4 is kept/ });
    assert.ok((await labels()).includes('var'));
    await machine.state.remove('pending');
    await now();
    assert.deepStrictEqual(await labels(), ['esp', 'knarr_1.36.3', 'knarr_1.36.4']);
    await assert.rejects(now(), /has no partition var/);
  } finally {
    await machine.remove();
  }
});
