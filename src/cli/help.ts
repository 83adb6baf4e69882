import type { Flag } from '../daemon/flags/flag.ts';

type Shown = Pick<Flag, 'name' | 'aliases' | 'type' | 'usage'> &
  Partial<Pick<Flag, 'env' | 'default' | 'group' | 'hidden' | 'unsupported'>>;

function flagLine(flag: Shown): string {
  const names = [`--${flag.name}`, ...(flag.aliases ?? []).map((a) => (a.length === 1 ? `-${a}` : `--${a}`))].join(
    ', ',
  );
  const value = flag.type === 'boolean' ? '' : ' value';
  const notes = [
    ...(flag.default === undefined || flag.default === '' ? [] : [`(default: ${flag.default})`]),
    ...(flag.env ?? []).map((name) => `[$${name}]`),
    ...(flag.unsupported === undefined ? [] : ['(not supported yet)']),
  ].join(' ');
  return `   ${`${names}${value}`.padEnd(42)} ${flag.usage}${notes === '' ? '' : ` ${notes}`}`;
}

/** The flags of a command, by group, as help shows them. */
export function flagHelp(flags: readonly Shown[]): string {
  const shown = flags.filter((flag) => flag.hidden !== true);
  const groups = [...new Set(shown.map((flag) => flag.group ?? 'options'))];
  return groups
    .map((group) => {
      const lines = shown.filter((flag) => (flag.group ?? 'options') === group).map(flagLine);
      return `${group.toUpperCase()}:\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
