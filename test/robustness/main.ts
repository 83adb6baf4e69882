import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { run } from '../../src/base/run.ts';
import { killServer } from './killed-server.ts';

type Say = (text: string) => void;

interface Scenario {
  readonly name: string;
  /** How often when nothing else is asked for. */
  readonly usual: number;
  /** Resolves with what was done; throws with what was lost. */
  run(times: number, say: Say): Promise<string>;
}

/** What is broken on purpose, many times. `npm test` does some of each. */
const scenarios: readonly Scenario[] = [
  {
    name: 'killed-server',
    usual: 100,
    async run(times, say) {
      const { kills, acknowledged } = await killServer(times, say);
      return `killed ${kills} times; none of ${acknowledged} acknowledged writes was lost`;
    },
  },
  {
    name: 'install-cuts',
    // through all phases
    usual: 3,
    async run(times, say) {
      const { cutInstallations } = await import('./install-cuts.ts');
      const tally = await cutInstallations(times, say);
      return `the power was cut ${tally.total} times; the disk held nothing or all\n${tally.text()}`;
    },
  },
  {
    name: 'boots',
    usual: 1,
    async run(times, say) {
      const { tryBoots } = await import('./boots.ts');
      let count = 0;
      for (let done = 0; done < times; done++) count += await tryBoots(say);
      return `machines started in ${count} ways`;
    },
  },
  {
    name: 'takeover',
    usual: 1,
    async run(times, say) {
      const { takeOverMachine } = await import('./takeover.ts');
      for (let done = 0; done < times; done++) await takeOverMachine(say);
      return `a machine was taken over ${times} times, mended, and became a node`;
    },
  },
  {
    name: 'upgrade-cuts',
    // through all points
    usual: 3,
    async run(times, say) {
      const { cutUpgrades } = await import('./upgrade-cuts.ts');
      const tally = await cutUpgrades(times, say);
      return `the power was cut ${tally.total} times; a whole version ran, with everything on it\n${tally.text()}`;
    },
  },
  {
    name: 'ways-back',
    usual: 1,
    async run(times, say) {
      const { planAndGoBack } = await import('./ways-back.ts');
      for (let done = 0; done < times; done++) await planAndGoBack(say);
      return `a plan upgraded a machine ${times} times, and it went back when it was told to`;
    },
  },
  {
    name: 'bad-upgrades',
    usual: 1,
    async run(times) {
      for (let done = 0; done < times; done++) await bootTest('life', { KNARR_UPGRADES: 'all' });
      return `went through every bad upgrade ${times} times, and came back`;
    },
  },
  {
    name: 'reproducible',
    usual: 1,
    async run(times) {
      for (let done = 0; done < times; done++) await bootTest('reproducible', { KNARR_REPRODUCE: 'all' });
      return 'every stage of an image was made twice: the same bytes';
    },
  },
];

/** Runs one of the tests of `npm test` with more to do. */
async function bootTest(name: string, more: Record<string, string>): Promise<void> {
  const file = join(import.meta.dirname, `../boot/${name}.test.ts`);
  await run(process.execPath, ['--test', '--test-timeout=14400000', file], {
    env: { ...process.env, ...more },
    timeoutMs: 14_400_000,
  });
}

function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}

const args = process.argv.slice(2);
const only = option(args, '--only')?.split(',');
const times = option(args, '--times');
const unknown = only?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(
    `there is no ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
let failed = false;
for (const { name, usual, run } of scenarios) {
  if (only !== undefined && !only.includes(name)) continue;
  process.stdout.write(`• ${name}\n`);
  try {
    const done = await run(times === undefined ? usual : Number(times), (text) => process.stdout.write(`  ${text}\n`));
    process.stdout.write(`✓ ${done}\n`);
  } catch (error) {
    failed = true;
    process.stdout.write(`✗ ${messageOf(error)}\n`);
  }
}
process.exitCode = failed ? 1 : 0;
