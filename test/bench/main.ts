import { writeFile } from 'node:fs/promises';
import { messageOf } from '../../src/base/errors.ts';
import { apiLoad } from './api-load.ts';
import { machine } from './machine.ts';
import type { Figure, Measurement } from './measure.ts';
import { nodes } from './nodes.ts';
import { scheduling } from './scheduling.ts';
import { startUp } from './start-up.ts';

/** Everything that is measured, in order. */
const measurements: readonly Measurement[] = [startUp, apiLoad, scheduling, nodes, machine];

function option(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return args[at]?.includes('=') ? args[at].slice(name.length + 1) : args[at + 1];
}

const round = (value: number): number => Number(value.toPrecision(4));

function table(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ name }) => name.length), 0);
  return figures
    .map(({ name, value, unit, note }) =>
      `${name.padEnd(width)}  ${String(round(value)).padStart(10)} ${unit.padEnd(4)} ${note ?? ''}`.trimEnd(),
    )
    .join('\n');
}

const args = process.argv.slice(2);
const all = measurements.flatMap(({ names }) => names);
const only = option(args, '--only')?.split(',');
const unknown = only?.filter((name) => !all.includes(name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`there is no figure ${unknown.join(', ')}; there are ${all.join(', ')}\n`);
  process.exit(2);
}
const kubeconfig = option(args, '--kubeconfig');
const wanted = new Set(only ?? (kubeconfig === undefined ? all : [...apiLoad.names, ...scheduling.names]));
const figures: Figure[] = [];
let failed = false;
for (const measurement of measurements) {
  const names = measurement.names.filter((name) => wanted.has(name));
  if (names.length === 0) continue;
  process.stdout.write(`• ${names.join(', ')}\n`);
  try {
    const taken = await measurement.run({ wanted, kubeconfig, say: (text) => process.stdout.write(`  ${text}\n`) });
    // `figure.part` is a part of `figure`.
    figures.push(...taken.filter(({ name }) => wanted.has(name.split('.')[0] ?? '')));
  } catch (error) {
    failed = true;
    process.stdout.write(`  not measured: ${messageOf(error)}\n`);
  }
}
process.stdout.write(`\n${table(figures)}\n`);
const json = option(args, '--json');
if (json !== undefined)
  await writeFile(
    json,
    `${JSON.stringify(
      figures.map(({ name, value, unit, better }) => ({ name, value: round(value), unit, better })),
      null,
      2,
    )}\n`,
  );
process.exitCode = failed ? 1 : 0;
