import { readFile } from 'node:fs/promises';
import { machine } from '../../cloud-config/host.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { healthGate } from './gate.ts';
import { beginTrial, bless, type TrialContext } from './trial.ts';

const state = upgradeState();

/** The units' standard error is the console too. */
const say = (text: string): void => void process.stderr.write(`knarr: ${text}\n`);

const context = async (): Promise<TrialContext> => ({
  host: machine,
  state,
  say,
  disk: await readMachineDisk(machine),
});

/** knarr-trial.service. */
export async function trial(): Promise<void> {
  await beginTrial(await context());
}

/** knarr-health.service: ends well when the version on trial is healthy; else systemd starts the machine anew. */
export async function health(): Promise<void> {
  const pending = await state.read('pending');
  if (pending === undefined) return;
  if (pending.kind === 'daemon') {
    // a power cut came while it was on trial; it is no reason to start the machine anew
    const { judgeDaemonAfterCut } = await import('../daemon/upgrade.ts');
    await judgeDaemonAfterCut(machine, say);
    return;
  }
  const { disk } = await context();
  if (disk.running.version !== pending.to) return;
  const failedBefore = new Set<string>(
    JSON.parse(await readFile(`${state.folder}/failed-units.json`, 'utf8').catch(() => '[]')),
  );
  const { deadlineSeconds } = pending;
  const reasons = await healthGate({ host: machine, state, deadlineSeconds, say, failedBefore });
  if (reasons.length === 0) return;
  const attempts = (await state.read('attempts')) ?? [];
  await state.write('attempts', [...attempts, { id: pending.id, at: Math.floor(Date.now() / 1000), reasons }]);
  throw new KnarrError({
    code: 'unhealthy',
    blame: 'world',
    message: `${pending.to} is not healthy: ${reasons.join('; ')}`,
  });
}

/** knarr-bless.service. */
export async function keep(): Promise<void> {
  await bless(await context());
}
