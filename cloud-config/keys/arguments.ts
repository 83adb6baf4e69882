import { allFlags, findFlag } from '../../src/daemon/flags/table.ts';
import { meant, type WrongItems } from '../shape.ts';

const flagNames = allFlags.map(({ name }) => name);

/** Flags that the daemon would not start with, each with the value that follows it. */
export function wrongArguments(words: readonly string[]): WrongItems[] {
  const wrong: WrongItems[] = [];
  for (let at = 0; at < words.length; at++) {
    const [, name, inline] = /^--?([^=-][^=]*)(=[\s\S]*)?$/.exec(words[at] ?? '') ?? [];
    if (name === undefined) continue;
    const flag = findFlag(name);
    const next = inline === undefined ? words[at + 1] : undefined;
    const hasNext = next !== undefined && (flag === undefined ? !next.startsWith('-') : flag.type !== 'boolean');
    const message =
      flag === undefined
        ? `the daemon has no flag --${name}${meant(name, flagNames)}`
        : unsupported(name, flag.unsupported);
    if (message !== undefined) wrong.push({ at, count: hasNext ? 2 : 1, message });
    if (hasNext) at++;
  }
  return wrong;
}

const unsupported = (name: string, why: string | undefined): string | undefined =>
  why === undefined ? undefined : `--${name} is not supported yet: ${why}`;
