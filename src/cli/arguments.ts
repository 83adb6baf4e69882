import { KnarrError } from '../base/errors.ts';
import type { Flag } from '../daemon/flags/flag.ts';
import { parseBoolean } from '../daemon/values.ts';

/** What a command line gave: flag values by name in order, and the words that are no flags. */
export interface Parsed {
  readonly flags: Map<string, readonly string[]>;
  readonly words: readonly string[];
  readonly help: boolean;
}

const refuse = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

/** `--name value`, `--name=value`, `-n value`; a boolean takes a value only with `=`; all after `--` are words. */
export function parseArguments(
  args: readonly string[],
  flags: readonly Pick<Flag, 'name' | 'aliases' | 'type'>[],
): Parsed {
  const found = new Map<string, readonly string[]>();
  const words: string[] = [];
  let help = false;
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--') {
      words.push(...args.slice(index + 1));
      break;
    }
    const match = /^--?([^=-][^=]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      words.push(word);
      continue;
    }
    const [, name = '', inline] = match;
    if (name === 'help' || name === 'h') {
      help = true;
      continue;
    }
    const flag = flags.find((f) => f.name === name || f.aliases?.includes(name));
    if (flag === undefined) throw refuse(`flag provided but not defined: ${word.split('=')[0]}`);
    let value = inline;
    if (value === undefined && flag.type === 'boolean') value = 'true';
    if (value === undefined) {
      index++;
      if (index >= args.length) throw refuse(`flag needs an argument: ${word}`);
      value = args[index] ?? '';
    }
    if (flag.type === 'boolean') parseBoolean(flag.name, value);
    found.set(flag.name, [...(found.get(flag.name) ?? []), value]);
  }
  return { flags: found, words, help };
}
