import type { Facts } from './board.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What a serial line has that does not say. */
export const usualSize: Size = { columns: 80, rows: 24 };

/** Printable ASCII, the one thing that every terminal shows alike; tabs and control characters become blanks. */
const plain = (text: string): string => text.replace(/\s/g, ' ').replace(/[^ -~]/g, '?');

function fitted(text: string, columns: number): string {
  const line = plain(text);
  return (line.length > columns ? `${line.slice(0, Math.max(0, columns - 3))}...` : line).trimEnd();
}

const field = (name: string, value: string | undefined): string => ` ${name.padEnd(11)} ${value ?? 'not yet known'}`;

/** The rows of the screen, from the top; as many as it has but one, for a last line break would scroll it. */
export function dashboard(facts: Facts, { columns, rows }: Size = usualSize): string[] {
  const { hostname = 'knarr', version = '', slot, mode, addresses = [], events = [], log = [] } = facts;
  const head = [
    ` Knarr ${version}   ${hostname}`,
    ` ${'-'.repeat(Math.max(0, columns - 2))}`,
    field('Role', facts.role),
    field('Node', facts.node),
    field('API', facts.api),
    field('System', [slot, mode].filter((part) => part !== undefined).join(', ') || undefined),
    field('Addresses', addresses.join('  ') || 'none'),
    '',
  ];
  const foot = ['', ` ${hostname}: press Enter to log in`];
  const room = Math.max(0, rows - 1 - head.length - foot.length - 2);
  const ofEvents = Math.min(events.length, Math.max(Math.floor(room / 2), room - log.length));
  const newest = (lines: readonly string[], count: number): string[] =>
    count === 0 ? [] : lines.slice(-count).map((line) => `  ${line}`);
  const body = [
    ' Last events',
    ...newest(events, ofEvents),
    ' Recent log',
    ...newest(log, Math.max(0, room - ofEvents)),
  ];
  const filled = Array.from({ length: Math.max(0, rows - 1 - head.length - foot.length) }, (_, at) => body[at] ?? '');
  return [...head, ...filled, ...foot].slice(0, rows - 1).map((line) => fitted(line, columns));
}

const esc = '\u001b';

/** What turns one screen into another; everything when `before` is undefined. Ends with the cursor below the text. */
export function repaint(before: readonly string[] | undefined, after: readonly string[]): string {
  const changes = after.flatMap((line, row) =>
    before !== undefined && before[row] === line ? [] : [`${esc}[${row + 1};1H${line}${esc}[K`],
  );
  if (before !== undefined && changes.length === 0) return '';
  const clear = before === undefined ? `${esc}[0m${esc}[2J` : '';
  return `${clear}${changes.join('')}${esc}[${after.length + 1};1H`;
}
