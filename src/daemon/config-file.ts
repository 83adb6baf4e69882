import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { KnarrError, systemCode } from '../base/errors.ts';
import { allFlags, findFlag } from './flags/table.ts';
import type { RawValues } from './values.ts';

const fault = (file: string, why: string): KnarrError =>
  new KnarrError({ code: 'invalid-config-file', blame: 'user', message: `${file}: ${why}`, details: { file } });

const scalar = (file: string, key: string, value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value === null || value === undefined) return '';
  throw fault(file, `${key}: a text, a number, true/false or a list of them was expected`);
};

/**
 * One config file as key → values, in K3s's form: keys are flag names, a list repeats a flag, `key+` is kept as it is.
 */
export function parseConfigFile(file: string, text: string): Map<string, readonly string[]> {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw fault(file, error.message);
  const content: unknown = document.toJS();
  if (content === null || content === undefined) return new Map();
  if (typeof content !== 'object' || Array.isArray(content)) throw fault(file, 'a map of flag names was expected');
  return new Map(
    Object.entries(content).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map((item) => scalar(file, key, item)) : [scalar(file, key, value)],
    ]),
  );
}

/** Adds `next` to `merged`: the last value wins, except `key+`, which appends to what came before. */
export function mergeConfig(
  merged: ReadonlyMap<string, readonly string[]>,
  next: ReadonlyMap<string, readonly string[]>,
): Map<string, readonly string[]> {
  const result = new Map(merged);
  for (const [key, values] of next) {
    if (!key.endsWith('+')) result.set(key, values);
    else result.set(key.slice(0, -1), [...(result.get(key.slice(0, -1)) ?? []), ...values]);
  }
  return result;
}

async function dropIns(file: string): Promise<string[]> {
  try {
    const names = await readdir(`${file}.d`);
    return names
      .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
      .sort()
      .map((name) => join(`${file}.d`, name));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/**
 * `file` and the files of `<file>.d`, merged. A file that is not there is empty, except `file` when `required`.
 * Keys that are no flag are reported through `onUnknown` and left out.
 */
export async function readConfigFiles(options: {
  file: string;
  required: boolean;
  onUnknown: (file: string, key: string) => void;
}): Promise<RawValues> {
  const { file, required, onUnknown } = options;
  let merged = new Map<string, readonly string[]>();
  for (const path of [file, ...(await dropIns(file))]) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      if (required && path === file) throw fault(file, 'there is no such file');
      continue;
    }
    const parsed = parseConfigFile(path, text);
    for (const key of [...parsed.keys()]) {
      if (findFlag(key.replace(/\+$/, '')) !== undefined) continue;
      onUnknown(path, key);
      parsed.delete(key);
    }
    merged = mergeConfig(merged, parsed);
  }
  return canonical(merged);
}

/** Aliases under the names of their flags. */
export const canonical = (values: ReadonlyMap<string, readonly string[]>): RawValues =>
  new Map([...values].map(([key, list]) => [findFlag(key)?.name ?? key, list]));

/** What the environment says; an empty variable is as none. */
export function readEnvironment(env: NodeJS.ProcessEnv): RawValues {
  const values = new Map<string, readonly string[]>();
  for (const flag of allFlags)
    for (const name of flag.env ?? []) {
      const value = env[name];
      if (value !== undefined && value !== '') values.set(flag.name, [value]);
    }
  return values;
}
