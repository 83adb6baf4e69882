type Scalar = string | number | boolean | readonly string[] | readonly (readonly string[])[];
/** A TOML table: scalars first, tables after. */
export interface Table {
  readonly [key: string]: Scalar | Table | undefined;
}

const isTable = (value: Scalar | Table | undefined): value is Table =>
  typeof value === 'object' && !Array.isArray(value);

const key = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name));

const scalar = (value: Scalar): string =>
  Array.isArray(value) ? `[${value.map((item: Scalar) => scalar(item)).join(', ')}]` : JSON.stringify(value);

/** Writes tables of strings, numbers, booleans and lists of strings: all that containerd's configuration needs. */
export function writeToml(table: Table, path: readonly string[] = []): string {
  const entries = Object.entries(table);
  const own = entries.flatMap(([name, value]) =>
    value === undefined || isTable(value) ? [] : [`${key(name)} = ${scalar(value)}\n`],
  );
  const head = path.length === 0 || own.length === 0 ? '' : `\n[${path.map(key).join('.')}]\n`;
  const below = entries.map(([name, value]) => (isTable(value) ? writeToml(value, [...path, name]) : ''));
  return head + own.join('') + below.join('');
}
