import { writeFile } from 'node:fs/promises';
import { messageOf } from '../../src/base/errors.ts';
import { apiLoad } from './api-load.ts';
import { machine } from './machine.ts';
import type { Figure, Measurement } from './measure.ts';
import { memory } from './memory.ts';
import { nodes } from './nodes.ts';
import { scheduling } from './scheduling.ts';
import { smallMachines } from './small-machines.ts';
import { startUp } from './start-up.ts';
import { sustained } from './sustained.ts';

/** Everything that is measured, in order. */
const measurements: readonly Measurement[] = [
  startUp,
  memory,
  apiLoad,
  sustained,
  scheduling,
  nodes,
  machine,
  smallMachines,
];

function option(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return args[at]?.includes('=') ? args[at].slice(name.length + 1) : args[at + 1];
}

const round = (value: number): number => Number(value.toPrecision(4));

function table(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ name }) => name.length), 0);
  const compared = figures.some(({ peer }) => peer !== undefined);
  const beside = ({ value, peer }: Figure): string =>
    compared
      ? `${peer === undefined ? '' : round(peer)}`.padStart(10) + `${peer ? (value / peer).toFixed(2) : ''}`.padStart(7)
      : '';
  const head = compared ? `${''.padEnd(width)}  ${'here'.padStart(10)}      ${'upstream'.padStart(9)}  ratio\n` : '';
  const lines = figures.map((figure) => {
    const { name, value, unit, note } = figure;
    const columns = [
      `${name.padEnd(width)} `,
      String(round(value)).padStart(10),
      unit.padEnd(4),
      beside(figure),
      note ?? '',
    ];
    return columns.join(' ').trimEnd();
  });
  return head + lines.join('\n');
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
const peer = option(args, '--peer');
const asked = option(args, '--seconds');
const seconds = asked === undefined ? undefined : Number(asked);
const usual = measurements.filter(({ onlyByName }) => !onlyByName).flatMap(({ names }) => names);
const wanted = new Set(only ?? (kubeconfig === undefined ? usual : [...apiLoad.names, ...scheduling.names]));
const figures: Figure[] = [];
let failed = false;
for (const measurement of measurements) {
  const names = measurement.names.filter((name) => wanted.has(name));
  if (names.length === 0) continue;
  process.stdout.write(`• ${names.join(', ')}\n`);
  try {
    const taken = await measurement.run({
      wanted,
      kubeconfig,
      peer,
      seconds,
      svg: option(args, '--svg'),
      say: (text) => process.stdout.write(`  ${text}\n`),
    });
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
      figures.flatMap(({ name, value, unit, better, peer: theirs }) => [
        { name, value: round(value), unit, better },
        ...(theirs === undefined ? [] : [{ name: `${name}.upstream`, value: round(theirs), unit, better }]),
      ]),
      null,
      2,
    )}\n`,
  );
process.exitCode = failed ? 1 : 0;
