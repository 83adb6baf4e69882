import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';
import type { Host } from '../host.ts';

/** Where the commands for the running machine wait until it runs. */
export const runCommandsFile = '/run/knarr/run-commands';

/** Runs every command by the shell, and goes on after one that fails. */
export async function runCommands(commands: readonly string[], host: Host): Promise<void> {
  const failures: string[] = [];
  for (const command of commands) {
    try {
      const { stdout, stderr } = await host.run('sh', ['-c', command], { timeoutMs: 3_600_000 });
      process.stdout.write(stdout + stderr);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length > 0) throw new KnarrError({ code: 'command', blame: 'user', message: failures.join('; ') });
}

/** `init_cmd`: before anything else of the configuration. */
export const initCommands: Applier = {
  key: 'init_cmd',
  phases: ['initrd'],
  apply: (config, host) => runCommands(config.init_cmd ?? [], host),
};

/** `boot_cmd`: when the machine is set up, before its services start. */
export const bootCommands: Applier = {
  key: 'boot_cmd',
  phases: ['boot'],
  apply: (config, host) => runCommands(config.boot_cmd ?? [], host),
};

/** `run_cmd`: kept for the unit that runs them when the network is up. */
export const laterCommands: Applier = {
  key: 'run_cmd',
  phases: ['boot', 'runtime'],
  async apply(config, host) {
    if (config.run_cmd !== undefined && config.run_cmd.length > 0)
      await writeFileAtomic(host.path(runCommandsFile), JSON.stringify(config.run_cmd), { mode: 0o600 });
  },
};
