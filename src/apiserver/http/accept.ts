/** One clause of an Accept header. Names of types and parameters count as they are written, in whatever case. */
export interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

const nothing: ReadonlyMap<string, string> = new Map();
const trimmed = (text: string): string => text.replace(/^ +| +$/g, '');

/** A number as far as Go reads it; 0 where it does not. */
const qualityOf = (text: string): number => (/^[-+]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : 0);

function parseClause(text: string): Clause | undefined {
  const [range = '', ...rest] = trimmed(text).split(';');
  const [type = '', subtype = '', ...more] = range.split('/').map(trimmed);
  if (more.length > 0 || (subtype === '' && type !== '*')) return undefined;
  const parameters = new Map<string, string>();
  let quality = 1;
  for (const parameter of rest) {
    const [name = '', value = '', ...others] = parameter.split('=');
    if (value === '' || others.length > 0) continue;
    if (trimmed(name) === 'q') quality = qualityOf(value);
    else parameters.set(trimmed(name), trimmed(value));
  }
  return { type, subtype: subtype || '*', quality, parameters: parameters.size > 0 ? parameters : nothing };
}

const isBefore = (a: Clause, b: Clause): boolean =>
  a.quality > b.quality || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');

/** In upstream's order, which comes about by insertion: what is told by `isBefore` is no order by itself. */
function sorted(clauses: Clause[]): Clause[] {
  for (let i = 1; i < clauses.length; i++) {
    for (let j = i; j > 0; j--) {
      const [a, b] = [clauses[j], clauses[j - 1]] as [Clause, Clause];
      if (!isBefore(a, b)) break;
      clauses[j] = b;
      clauses[j - 1] = a;
    }
  }
  return clauses;
}

const known = new Map<string, readonly Clause[]>();

/** The clauses of an Accept header, best first, as upstream reads them (`munnerz/goautoneg`); wrong ones are left out. */
export function parseAccept(header: string): readonly Clause[] {
  const cached = known.get(header);
  if (cached) return cached;
  const clauses = sorted(
    header
      .split(',')
      .map(parseClause)
      .filter((clause) => clause !== undefined),
  );
  if (known.size >= 500) known.clear();
  known.set(header, clauses);
  return clauses;
}
