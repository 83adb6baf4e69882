import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { runCommands, runCommandsFile } from '../cloud-config/appliers/commands.ts';
import { appliers } from '../cloud-config/appliers.ts';
import type { Host } from '../cloud-config/host.ts';
import { mergeConfigs } from '../cloud-config/merge.ts';
import { readOsRelease } from '../cloud-config/os-release.ts';
import { type CloudConfig, renderProblem } from '../cloud-config/schema.ts';
import { readAll } from '../cloud-config/sources.ts';
import { syncToDisk, writeFileAtomic } from '../src/base/atomic-file.ts';
import { messageOf, systemCode } from '../src/base/errors.ts';
import { applies, findMode, type Mode, writeMode } from './modes/mode.ts';
import { beBorn, wipe } from './reset/kept.ts';

/** What the phases of one run hand on. */
export interface Machine {
  host: Host;
  config: CloudConfig;
  /** Known when the first phase of a boot has run. */
  mode?: Mode;
  /** Tells whoever looks at the console. */
  say(text: string): void;
}

/** A step of a run. One that throws is reported by its name, and the machine goes on. */
export interface Phase {
  name: string;
  run(machine: Machine): Promise<void>;
}

/** Host keys are made once for the life of the machine, written out before they get their name: a power cut leaves all or nothing. */
async function hostKeys({ host }: Machine): Promise<void> {
  const folder = host.path('/var/lib/knarr/ssh');
  const key = `${folder}/ssh_host_ed25519_key`;
  const there = await readFile(key).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (there !== undefined && there.length > 0) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${key}.new`;
  await host.run('rm', ['-f', temporary, `${temporary}.pub`]);
  await host.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', temporary]);
  for (const path of [`${temporary}.pub`, temporary]) await syncToDisk(path);
  await rename(`${temporary}.pub`, `${key}.pub`);
  await rename(temporary, key);
  await syncToDisk(folder);
}

async function readConfiguration(machine: Machine): Promise<void> {
  const found = await readAll(machine.host);
  for (const problem of found.flatMap(({ problems }) => problems))
    machine.say(`cloud-config: ${renderProblem(problem)}`);
  machine.config = mergeConfigs(found.map(({ config }) => config));
}

async function learnMode(machine: Machine): Promise<void> {
  const { mode, problem } = await findMode(machine.host);
  if (problem !== undefined) machine.say(`mode: ${problem}`);
  machine.mode = mode;
  await writeMode(machine.host, mode);
}

/** A machine that keeps its /var takes into a new one what a reset of the old one left for it. */
async function beginLife({ host, mode }: Machine): Promise<void> {
  if (mode !== 'disk' && mode !== 'shell') return;
  const release = await readOsRelease(host);
  await beBorn(host, release('VERSION_ID') ?? 'unknown');
}

/** Before the services start: from what the machine is told to what it is. */
export const boot: readonly Phase[] = [
  { name: 'mode', run: learnMode },
  { name: 'new /var', run: beginLife },
  {
    name: 'trial of a configuration',
    async run({ host, say }) {
      // loaded only when there is one: a boot is counted in milliseconds
      if (!(await stat(host.path('/var/lib/knarr/config/trial.json')).catch(() => undefined))) return;
      const { trialAtBoot } = await import('./config/trial.ts');
      say(await trialAtBoot(host));
    },
  },
  { name: 'configuration', run: readConfiguration },
  { name: 'ssh host keys', run: hostKeys },
  { name: 'installation', run: beginInstallation },
  // the initrd reads no configuration: what belongs there comes first here
  ...appliers
    .filter(({ phases }) => phases.includes('initrd') || phases.includes('boot'))
    .map((applier) => ({
      name: applier.key,
      run: async (machine: Machine) => {
        if (applies(machine.mode ?? 'disk', applier.key)) await applier.apply(machine.config, machine.host, 'boot');
      },
    })),
];

/** Says to the unit knarr-install that this machine installs itself without asking anybody. */
const silentInstallFile = '/run/knarr/install-silent';

async function beginInstallation({ host, mode, config }: Machine): Promise<void> {
  if (mode === 'install' && config.k3os?.install?.silent) await writeFileAtomic(host.path(silentInstallFile), '');
}

/** The network may be what says that the machine shall install itself. */
async function installFromNetwork(machine: Machine): Promise<void> {
  if (machine.mode !== 'install') return;
  const again: Machine = { ...machine, say: () => {} };
  await readConfiguration(again);
  await beginInstallation(again);
  await machine.host.run('systemctl', ['start', '--no-block', 'knarr-install.service']);
}

/** When the network is up: what only it can tell. Loaded then only, for few machines have it. */
export const online: readonly Phase[] = [
  {
    name: 'online',
    async run({ host, say }) {
      const { goOnline } = await import('../cloud-config/online.ts');
      const { mode } = await findMode(host);
      const failed = await goOnline({ host, say, applies: (key) => applies(mode, key) });
      await installFromNetwork({ host, say, mode, config: {} });
      if (failed > 0) throw new Error(`${failed} steps failed (see above)`);
    },
  },
];

/** When the network is up: the configuration's own commands. */
export const late: readonly Phase[] = [
  {
    name: 'run_cmd',
    run: async ({ host }) => runCommands(JSON.parse(await readFile(host.path(runCommandsFile), 'utf8')), host),
  },
];

/** With an upgrade pending, before the daemon: is this its trial, or the way back from it? */
export const trial: readonly Phase[] = [{ name: 'trial', run: async () => (await import('./health/runs.ts')).trial() }];

/** On trial: waits until the machine and its node are well; what throws here starts the machine anew. */
export const health: readonly Phase[] = [
  { name: 'health', run: async () => (await import('./health/runs.ts')).health() },
];

/** On trial, and well: the version is kept. */
export const bless: readonly Phase[] = [{ name: 'bless', run: async () => (await import('./health/runs.ts')).keep() }];

/** When a reset was asked to leave nothing behind. */
export const wiping: readonly Phase[] = [{ name: 'wipe', run: ({ host }) => wipe(host) }];

/** Goes through all phases whatever happens; gives what each took, and which failed. */
export async function runPhases(
  phases: readonly Phase[],
  machine: Machine,
): Promise<{ name: string; ms: number; failed: boolean }[]> {
  const taken: { name: string; ms: number; failed: boolean }[] = [];
  for (const phase of phases) {
    const begun = performance.now();
    let failed = false;
    try {
      await phase.run(machine);
    } catch (error) {
      failed = true;
      machine.say(`${phase.name}: ${messageOf(error)}`);
    }
    taken.push({ name: phase.name, ms: Math.round(performance.now() - begun), failed });
  }
  return taken;
}
