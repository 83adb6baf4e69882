import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { KnarrError, messageOf } from '../src/base/errors.ts';
import { appliedFile } from './appliers/online.ts';
import { type Host, machine } from './host.ts';
import { mergeConfigs } from './merge.ts';
import { parseCloudConfig } from './parse.ts';
import { type CloudConfig, renderProblem, schema } from './schema.ts';
import type { Shape } from './shape.ts';
import { mainFile } from './sources/files.ts';
import { readAll } from './sources.ts';
import { parseUserData } from './user-data.ts';

const usage = `USAGE:
   knarr config validate FILE...   say what is wrong in files, with line and column ("-" is the standard input)
   knarr config show               the configuration of this machine, from all its sources
   knarr config diff [FILE]        what has changed since it was applied, or what FILE would change
   knarr config apply [FILE]       bring the running machine to what its sources (and FILE, from now on) say;
                                   --reboot starts it anew where only that helps
   knarr config try FILE           the same, but it goes back by itself: --for DURATION (5m), --keep-when-healthy,
                                   --reboot, --as NAME (a file in config.d instead of config.yaml)
   knarr config confirm            the configuration on trial stays
   knarr config revert             the one before it comes back at once

   Secrets are shown as ***; --secrets shows them.
`;

interface Output {
  out(text: string): void;
  err(text: string): void;
}

const terminal: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** `knarr config`: resolves with the exit code; 1 where something is wrong, or differs. */
export async function config(args: readonly string[], host: Host = machine, to: Output = terminal): Promise<number> {
  const secrets = args.includes('--secrets');
  const [word, ...rest] = args.filter((arg) => arg !== '--secrets');
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    to.out(usage);
    return 0;
  }
  const unknown = rest.find((arg) => arg.startsWith('-') && arg !== '-');
  if (unknown !== undefined) throw refuse(`flag provided but not defined: ${unknown}`);
  const shown = (value: CloudConfig): CloudConfig => (secrets ? value : (hidden(value, schema) as CloudConfig));
  switch (word) {
    case 'validate':
      if (rest.length === 0) throw refuse('name a file: knarr config validate FILE');
      return validate(rest, to);
    case 'show': {
      if (rest.length > 0) throw refuse(`config show takes no file: ${rest.join(' ')}`);
      const { config: current, problems } = await effective(host);
      for (const problem of problems) to.err(`${problem}\n`);
      to.out(stringify(shown(current)));
      return problems.length === 0 ? 0 : 1;
    }
    case 'diff': {
      const [file, ...more] = rest;
      if (more.length > 0) throw refuse(`one file at a time: ${rest.join(' ')}`);
      const text = await readFile(host.path(appliedFile), 'utf8').catch(() => undefined);
      if (text === undefined) throw refuse('nothing was applied on this machine since it booted');
      const before = JSON.parse(text) as CloudConfig;
      const after = (await effective(file === undefined ? host : await withFile(host, file, to))).config;
      const lines = differences(shown(before), shown(after), secrets ? undefined : [before, after]);
      to.out(lines.map((line) => `${line}\n`).join(''));
      return lines.length === 0 ? 0 : 1;
    }
    case undefined:
    case 'help':
      to.out(usage);
      return word === undefined ? 1 : 0;
    default:
      throw refuse(`there is no "config ${word}"\n${usage}`);
  }
}

const refuse = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

/** What a file says, as user-data or as a file of the machine; that it cannot be read is a problem too. */
async function read(file: string): Promise<ReturnType<typeof parseUserData>> {
  try {
    return parseUserData(file === '-' ? 'standard input' : file, await readFile(file === '-' ? '/dev/stdin' : file));
  } catch (error) {
    return { config: {}, problems: [{ source: file, key: '', message: messageOf(error) }] };
  }
}

/** The machine with the file in the place of its own, as `apply` would put it there; what is wrong in it is told. */
async function withFile(host: Host, file: string, to: Output): Promise<Host> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refuse(messageOf(error));
  });
  for (const problem of parseCloudConfig(file, text).problems) to.err(`${renderProblem(problem)}\n`);
  const own = resolve(file);
  return { ...host, path: (path) => (path === mainFile ? own : host.path(path)) };
}

async function validate(files: readonly string[], to: Output): Promise<number> {
  let wrong = 0;
  for (const file of files) {
    const { problems } = await read(file);
    for (const problem of problems) to.err(`${renderProblem(problem)}\n`);
    if (problems.length === 0) to.out(`${file}: ok\n`);
    wrong += problems.length;
  }
  return wrong === 0 ? 0 : 1;
}

async function effective(host: Host): Promise<{ config: CloudConfig; problems: string[] }> {
  const found = await readAll(host);
  return {
    config: mergeConfigs(found.map((part) => part.config)),
    problems: found.flatMap((part) => part.problems.map(renderProblem)),
  };
}

/** The value without what its shape calls secret. */
export function hidden(value: unknown, shape: Shape): unknown {
  if (value === undefined || value === null) return value;
  switch (shape.kind) {
    case 'text':
      return shape.secret ? '***' : value;
    case 'list':
      return (value as unknown[]).map((item) => hidden(item, shape.items));
    case 'map':
      return mapped(value, (_, item) => hidden(item, shape.values));
    case 'fields':
      return mapped(value, (name, item) => {
        const field = shape.fields[name];
        return field === undefined ? item : hidden(item, field);
      });
    default:
      return value;
  }
}

const mapped = (value: unknown, change: (name: string, item: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, change(name, item)]));

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `- key: before` and `+ key: after` for all that differs; of secrets that differ, `real` has the truth. */
export function differences(before: unknown, after: unknown, real?: readonly [unknown, unknown], key = ''): string[] {
  if (isMap(before) && isMap(after)) {
    const of = (value: unknown, name: string): unknown => (isMap(value) ? value[name] : undefined);
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) =>
      differences(
        before[name],
        after[name],
        real && [of(real[0], name), of(real[1], name)],
        key === '' ? name : `${key}.${name}`,
      ),
    );
  }
  const [was, is] = real ?? [before, after];
  if (JSON.stringify(was) === JSON.stringify(is)) return [];
  const line = (sign: string, value: unknown): string[] =>
    value === undefined ? [] : [`${sign} ${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`];
  return [...line('-', before), ...line('+', after)];
}
