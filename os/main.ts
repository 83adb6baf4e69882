import { machine } from '../cloud-config/host.ts';
import { bless, boot, health, late, online, type Phase, runPhases, trial, wiping } from './phases.ts';

/** What a person calls; each is loaded only then, and resolves with the exit code. */
const commands: Record<string, () => Promise<{ main(args: readonly string[]): Promise<number> }>> = {
  config: () => import('./config/command.ts'),
  install: () => import('./install/command.ts'),
  reset: () => import('./reset/command.ts'),
  ...Object.fromEntries((['upgrade', 'rollback', 'status'] as const).map((name) => [name, upgrading(name)])),
};

function upgrading(name: 'upgrade' | 'rollback' | 'status') {
  return async () => {
    const { upgradeCommand } = await import('./update/command.ts');
    return { main: (args: readonly string[]) => upgradeCommand(name, args) };
  };
}

/** What the units of the image call this program for. */
const runs: Record<string, readonly Phase[]> = {
  boot,
  online,
  'run-commands': late,
  trial,
  health,
  bless,
  wipe: wiping,
};

const name = process.argv[2] ?? '';
const command = commands[name];
if (command !== undefined) {
  const { main } = await command();
  process.exit(await main(process.argv.slice(3)));
}
const phases = runs[name];
if (phases === undefined) {
  const names = [...Object.keys(commands), ...Object.keys(runs)].join(', ');
  process.stderr.write(`knarr: no run ${JSON.stringify(name)}; there are ${names}\n`);
  process.exit(2);
}
const say = (text: string): void => void process.stderr.write(`knarr: ${text}\n`);
const begun = Math.round(performance.now());
const taken = await runPhases(phases, { host: machine, config: {}, say });
const slow = taken.filter(({ ms }) => ms >= 50).map(({ name: phase, ms }) => `${phase} ${ms}`);
process.stdout.write(
  `knarr: ${name}: ms until begun ${begun}, in all ${Math.round(performance.now())}; ${slow.join(', ')}\n`,
);
// a boot goes on with what is right
process.exitCode = taken.some(({ failed }) => failed) && name !== 'boot' ? 1 : 0;
