import { parseArgs } from 'node:util';
import { keep, tryTarget } from './run.ts';
import { targets } from './targets.ts';

/**
 * `npm run fuzz -- [--seconds N] [--seed N] [--only NAME,…]`: sends every parser that the network reaches what it does not
 * expect, N seconds in all. What makes one crash, hang or take too much memory is kept in `corpus/`, where the tests try
 * it from then on. Runs with the same seed try the same cases.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
const only = values.only?.split(',');
const chosen = targets.filter(({ name }) => only === undefined || only.includes(name));
const milliseconds = (Number(values.seconds) * 1000) / chosen.length;
console.log(`seed ${seed}, ${Math.round(milliseconds)} ms for each of ${chosen.length} parsers`);
let failures = 0;
for (const { name } of chosen) {
  const { cases, failure } = await tryTarget(name, { seed, milliseconds });
  console.log(`${failure ? '✖' : '✔'} ${name}: ${cases} cases`);
  if (!failure) continue;
  failures++;
  console.log(`  ${failure.error.split('\n').slice(0, 6).join('\n  ')}`);
  console.log(`  kept as ${await keep(name, failure.input)}`);
}
process.exitCode = failures === 0 ? 0 : 1;
