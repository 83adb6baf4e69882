import { readFile, rm } from 'node:fs/promises';
import { appliedFile } from '../../cloud-config/appliers/online.ts';
import type { Host } from '../../cloud-config/host.ts';
import { mergeConfigs } from '../../cloud-config/merge.ts';
import { type Reconciled, reconcile } from '../../cloud-config/reconcile.ts';
import type { CloudConfig, Problem } from '../../cloud-config/schema.ts';
import { readAll } from '../../cloud-config/sources.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError, systemCode } from '../../src/base/errors.ts';

/**
 * A configuration on trial. While trial.json is there, the file named in it is not yet the machine's for good: whatever
 * ends the trial but a confirmation puts `before` back into its place.
 *
 *   try ── file written ── applied (or booted into) ──┬── confirmed ─────────────────────────▶ outcome 'kept'
 *                                                     └── not in time, unhealthy, power cut ──▶ outcome 'returned'
 */
export interface Trial {
  readonly file: string;
  /** What the file held; null where there was none. */
  readonly before: string | null;
  /** How long it takes. */
  readonly seconds: number;
  /** Who keeps it: a person who confirms, or the health of the machine. */
  readonly keeper: 'person' | 'health';
  /** Boots that belong to the trial and are still to come. */
  readonly boots: number;
  /** Units that had failed before. */
  readonly failedBefore: readonly string[];
  /** Gateways that answered before. */
  readonly gatewaysBefore: readonly string[];
  /** Tells whoever asked for it which trial it was. */
  readonly id: string;
}

/** How the last trial ended. */
export interface TrialOutcome {
  readonly id: string;
  readonly result: 'kept' | 'returned';
  readonly reason: string;
  readonly at: number;
}

const trialFolder = '/var/lib/knarr/config';
const trialFile = `${trialFolder}/trial.json`;
const outcomeFile = `${trialFolder}/outcome.json`;
const timer = 'knarr-config-revert';
const judge = 'knarr-config-judge';
const program = '/usr/lib/knarr/os.mjs';

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await contentOf(path);
  return text === null ? undefined : (JSON.parse(text) as T);
}

export const readTrial = (host: Host): Promise<Trial | undefined> => readJson<Trial>(host.path(trialFile));
export const writeTrial = (host: Host, trial: Trial): Promise<void> =>
  writeFileAtomic(host.path(trialFile), JSON.stringify(trial), { mode: 0o600 });

/** From here on every way out but a confirmation leads back. */
export async function beginTrial(
  host: Host,
  wanted: Omit<Trial, 'before' | 'boots'> & { text: string },
): Promise<Trial> {
  const { text, ...others } = wanted;
  const trial: Trial = { ...others, before: await contentOf(host.path(wanted.file)), boots: 0 };
  await writeTrial(host, trial);
  await writeFileAtomic(host.path(trial.file), text, { mode: 0o600 });
  return trial;
}

/** As if it had never begun: nothing of it was applied. */
export async function dropTrial(host: Host, trial: Trial): Promise<void> {
  await putBack(host, trial);
  await rm(host.path(trialFile), { force: true });
}

/** Ends the trial unless it was ended before; the timer outlives whoever began it. */
export async function startTimer(host: Host, seconds: number): Promise<void> {
  await host.run('systemd-run', [
    ...['--quiet', '--collect', `--unit=${timer}`, `--on-active=${Math.max(1, seconds)}`],
    ...['--timer-property=AccuracySec=1s', '--property=StandardError=journal+console'],
    ...[program, 'config', 'revert', 'it was not confirmed in time'],
  ]);
}

/** Lets the machine's health decide, in a unit of its own. */
async function startJudge(host: Host): Promise<void> {
  await host.run('systemd-run', [
    ...['--quiet', '--collect', '--no-block', `--unit=${judge}`],
    ...['--property=After=multi-user.target', '--property=StandardError=journal+console'],
    ...[program, 'config', 'judge'],
  ]);
}

async function end(host: Host, trial: Trial, result: TrialOutcome['result'], reason: string): Promise<void> {
  const outcome: TrialOutcome = { id: trial.id, result, reason, at: Math.floor(Date.now() / 1000) };
  await writeFileAtomic(host.path(outcomeFile), JSON.stringify(outcome), { mode: 0o600 });
  await rm(host.path(trialFile), { force: true });
}

const stopTimer = async (host: Host): Promise<void> => {
  await host.run('systemctl', ['stop', `${timer}.timer`], { okCodes: [0, 5] });
};

/** The configuration stays. */
export async function keepTrial(host: Host, reason: string): Promise<void> {
  const trial = await readTrial(host);
  if (trial === undefined)
    throw new KnarrError({ code: 'no-trial', blame: 'user', message: 'no configuration is on trial' });
  await end(host, trial, 'kept', reason);
  await stopTimer(host);
}

async function putBack(host: Host, { file, before }: Trial): Promise<void> {
  if (before === null) await rm(host.path(file), { force: true });
  else await writeFileAtomic(host.path(file), before, { mode: 0o600 });
}

/**
 * The machine goes back: the file first, then what runs. What only a boot can undo is undone by one, which `reboot`
 * says.
 */
export async function revertTrial(host: Host, reason: string): Promise<Reconciled & { reboot: boolean }> {
  const trial = await readTrial(host);
  if (trial === undefined)
    throw new KnarrError({ code: 'no-trial', blame: 'user', message: 'no configuration is on trial' });
  await putBack(host, trial);
  await end(host, trial, 'returned', reason);
  const { before, after } = await standing(host);
  const result = await reconcile({ host, before, after });
  await stopTimer(host);
  return { ...result, reboot: result.pending.length > 0 || result.failed.length > 0 };
}

/** What was applied last, what the sources say now, and what is wrong with that. */
export async function standing(host: Host): Promise<{ before: CloudConfig; after: CloudConfig; problems: Problem[] }> {
  const before = (await readJson<CloudConfig>(host.path(appliedFile))) ?? {};
  const parts = await readAll(host);
  return {
    before,
    after: mergeConfigs(parts.map(({ config }) => config)),
    problems: parts.flatMap(({ problems }) => problems),
  };
}

/**
 * At a boot, before any configuration is read: a boot that the trial did not ask for (a crash, a power cut, a watchdog)
 * ends it. Resolves with what is to be told.
 */
export async function trialAtBoot(host: Host): Promise<string> {
  const trial = await readTrial(host);
  if (trial === undefined) return 'no configuration is on trial';
  if (trial.boots === 0) {
    await putBack(host, trial);
    await end(host, trial, 'returned', 'the machine started anew during its trial');
    return `the configuration on trial (${trial.file}) was not confirmed before the machine started anew: the one before it is back`;
  }
  // The clock of a machine without a battery may be wrong so early: the trial's length counts from this boot.
  await writeTrial(host, { ...trial, boots: trial.boots - 1 });
  await startTimer(host, trial.seconds);
  if (trial.keeper === 'health') await startJudge(host);
  return `a configuration is on trial (${trial.file}) for ${trial.seconds} s`;
}
