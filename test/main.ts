import { find } from './find.ts';
import { closingLines, runFiles, sum, type Tally } from './run-files.ts';
import { runUnitTests } from './unit.ts';

const minute = 60_000;

/** What `npm test` runs, in order: what is quick and tells most comes first. */
const stages: readonly { name: string; run: () => Promise<Tally> }[] = [
  { name: 'unit', run: () => runUnitTests() },
  ...(
    [
      [
        'apiserver',
        'the API server, driven by kubectl and by recorded requests',
        'test/{apiserver,differential,robustness}/**/*.test.ts',
        5,
      ],
      ['upstream', 'upstream’s programs and clients with the API server', 'test/{upstream,clients}/**/*.test.ts', 15],
      ['network', 'the network in namespaces', 'test/network/**/*.test.ts', 5],
      [
        'suite',
        'the documentation, and the tools of the other suites',
        'test/{*.test.ts,{conformance,fuzz,cloud-config,install}/**/*.test.ts}',
        5,
      ],
      ['e2e', 'nodes of the fast tier, driven by kubectl', 'test/e2e/**/*.test.ts', 12],
      // One after the other: each takes both processors, and builds in one folder would meet.
      ['boot', 'the image in virtual machines', 'test/boot/**/*.test.ts', 75],
    ] as const
  ).map(([name, title, pattern, minutes]) => ({
    name,
    run: () => runFiles({ title, files: find(pattern), concurrency: 1, timeoutMs: minutes * minute, verbose: true }),
  })),
];

/** `--only NAME,…` picks stages. */
function wanted(args: readonly string[]): ReadonlySet<string> | undefined {
  const at = args.indexOf('--only');
  return at < 0 ? undefined : new Set((args[at + 1] ?? '').split(','));
}

const only = wanted(process.argv.slice(2));
const tallies: Tally[] = [];
for (const stage of stages) if (only === undefined || only.has(stage.name)) tallies.push(await stage.run());
const total = sum(tallies);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
process.stdout.write(closingLines(total));
