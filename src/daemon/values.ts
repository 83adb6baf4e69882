import { KnarrError } from '../base/errors.ts';
import { findFlag } from './flags/table.ts';

/** What one source (command line, file, environment) says: each flag's values as texts, in order. */
export type RawValues = ReadonlyMap<string, readonly string[]>;

/** Settings after all sources were merged, read by type. Asking for a name that is no flag is a bug and throws. */
export interface Values {
  string(name: string): string | undefined;
  integer(name: string): number | undefined;
  boolean(name: string): boolean;
  list(name: string): readonly string[];
  /** Whether any source gave it, rather than its default. */
  given(name: string): boolean;
}

const wrong = (name: string, value: string, wanted: string): KnarrError =>
  new KnarrError({
    code: 'invalid-setting',
    blame: 'user',
    message: `--${name}: ${JSON.stringify(value)} is not ${wanted}`,
    details: { name, value },
  });

export function parseBoolean(name: string, text: string): boolean {
  if (/^(1|t|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|false|FALSE|False)$/.test(text)) return false;
  throw wrong(name, text, 'true or false');
}

/** Reads merged raw values; later sources in `sources` give way to earlier ones, a list as a whole. */
export function createValues(sources: readonly RawValues[]): Values {
  const flagOf = (name: string) => {
    const flag = findFlag(name);
    if (flag === undefined)
      throw new KnarrError({ code: 'no-such-flag', blame: 'bug', message: `there is no flag --${name}` });
    return flag;
  };
  const texts = (name: string): readonly string[] => {
    const flag = flagOf(name);
    const given = sources.map((source) => source.get(name)).find((values) => values !== undefined);
    return given ?? (flag.default === undefined ? [] : [flag.default]);
  };
  return {
    string: (name) => {
      const text = texts(name).at(-1);
      return text === '' ? undefined : text;
    },
    integer(name) {
      const text = texts(name).at(-1);
      if (text === undefined || text === '') return undefined;
      if (!/^-?\d+$/.test(text)) throw wrong(name, text, 'a whole number');
      return Number(text);
    },
    boolean: (name) => {
      const text = texts(name).at(-1);
      return text === undefined ? false : parseBoolean(name, text);
    },
    list: (name) =>
      texts(name)
        .flatMap((text) => (flagOf(name).commas === true ? text.split(',') : [text]))
        .map((text) => text.trim())
        .filter((text) => text !== ''),
    given: (name) => flagOf(name) !== undefined && sources.some((source) => source.has(name)),
  };
}
