/** What is in one table, as text by name: a chain is its hook (first line, may be empty) and its rules, one a line. */
export interface NftState {
  readonly sets: Map<string, string>;
  readonly chains: Map<string, string>;
  /** By `set␀key`; a plain set's element has an empty value. */
  readonly elements: Map<string, string>;
}

export const emptyState = (): NftState => ({ sets: new Map(), chains: new Map(), elements: new Map() });

/** From applied to desired, for the keys that may differ; undefined means absent. */
export interface NftDifference {
  readonly sets: ReadonlyMap<string, Change>;
  readonly chains: ReadonlyMap<string, Change>;
  readonly elements: ReadonlyMap<string, Change>;
}

export interface Change {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

const elementsPerLine = 500;

const hookOf = (chain: string): string => chain.split('\n', 1)[0] ?? '';
const rulesOf = (chain: string): string[] => chain.split('\n').slice(1);

/** Elements of each set, in few lines: a line per element would cost nft a look-up each. */
function elementLines(verb: string, table: string, elements: Iterable<readonly [string, string]>): string[] {
  const bySet = new Map<string, string[]>();
  for (const [key, value] of elements) {
    const [set = '', element = ''] = key.split('\0');
    const text = value === '' || verb === 'delete' ? element : `${element} : ${value}`;
    const list = bySet.get(set);
    if (list) list.push(text);
    else bySet.set(set, [text]);
  }
  const lines: string[] = [];
  for (const [set, texts] of bySet)
    for (let at = 0; at < texts.length; at += elementsPerLine)
      lines.push(`${verb} element ${table} ${set} { ${texts.slice(at, at + elementsPerLine).join(', ')} }`);
  return lines;
}

/**
 * Whether a difference can be made in place: the declaration of a set or the hook of a chain cannot be changed under
 * the rules that use it.
 */
export function needsReplacement(difference: NftDifference): boolean {
  for (const { from, to } of difference.sets.values()) if (from !== undefined && to !== undefined) return true;
  for (const { from, to } of difference.chains.values())
    if (from !== undefined && to !== undefined && hookOf(from) !== hookOf(to)) return true;
  return false;
}

/**
 * The lines of one transaction. What is referred to comes before what refers to it, and goes after it: sets, empty
 * chains, rules, elements, then the chains and sets that are no longer wanted.
 */
export function differenceScript(table: string, difference: NftDifference): string[] {
  const lines: string[] = [];
  for (const [name, { from, to }] of difference.sets)
    if (from === undefined && to !== undefined) {
      const [kind, body] = to.split('\n');
      lines.push(`add ${kind} ${table} ${name} { ${body} }`);
    }
  for (const [name, { from, to }] of difference.chains)
    if (from === undefined && to !== undefined) {
      const hook = hookOf(to);
      lines.push(`add chain ${table} ${name}${hook === '' ? '' : ` { ${hook} }`}`);
    }
  for (const [name, { from }] of difference.chains) if (from !== undefined) lines.push(`flush chain ${table} ${name}`);
  for (const [name, { to }] of difference.chains)
    if (to !== undefined) for (const rule of rulesOf(to)) lines.push(`add rule ${table} ${name} ${rule}`);
  const gone: [string, string][] = [];
  const added: [string, string][] = [];
  for (const [key, { from, to }] of difference.elements) {
    const set = key.slice(0, key.indexOf('\0'));
    const setChange = difference.sets.get(set);
    if (setChange && setChange.to === undefined) continue; // goes with its set
    if (from !== undefined) gone.push([key, from]);
    if (to !== undefined) added.push([key, to]);
  }
  lines.push(...elementLines('delete', table, gone), ...elementLines('add', table, added));
  for (const [name, { to }] of difference.sets) if (to === undefined) lines.push(`delete set ${table} ${name}`);
  for (const [name, { to }] of difference.chains) if (to === undefined) lines.push(`delete chain ${table} ${name}`);
  return lines;
}

/** The lines that make a table from nothing, whatever was there before. */
export function replacementScript(table: string, comment: string, state: NftState): string[] {
  const all = (map: Map<string, string>): Map<string, Change> =>
    new Map([...map].map(([key, to]) => [key, { from: undefined, to }]));
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table} { comment "${comment}" ; }`,
    ...differenceScript(table, {
      sets: all(state.sets),
      chains: all(state.chains),
      elements: all(state.elements),
    }),
  ];
}
