import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPartitions } from '../disk/gpt.ts';
import { fakeMachine } from '../update/testing.ts';
import { upgradeMachine } from '../update/upgrade.ts';
import { reset } from './command.ts';

test('a machine is reset when no version is on trial: nobody would know of it afterwards', async () => {
  const machine = await fakeMachine();
  const labels = async () => (await readPartitions(machine.host.path('/dev/vda'))).partitions.map(({ label }) => label);
  try {
    const asked = { tries: 1, deadlineSeconds: 60, force: false, checkOnly: false };
    await upgradeMachine(machine.host, await machine.makeUpdate('1.36.4'), asked, () => {});
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
