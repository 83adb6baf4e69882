import { machine } from '../cloud-config/host.ts';
import { boot, late, online, type Phase, runPhases } from './phases.ts';

/** What the units of the image call this program for. */
const runs: Record<string, readonly Phase[]> = { boot, online, 'run-commands': late };

const name = process.argv[2] ?? '';
if (name === 'config') {
  const { main } = await import('../cloud-config/command.ts');
  process.exit(await main(process.argv.slice(3)));
}
const phases = runs[name];
if (phases === undefined) {
  process.stderr.write(`knarr: no run ${JSON.stringify(name)}; there are ${Object.keys(runs).join(', ')}\n`);
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
