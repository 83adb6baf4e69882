type Struct = Record<string, unknown>;

const isStruct = (value: unknown): value is Struct =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const inOrder = (value: Struct): [string, unknown][] => Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));

/** A value of JSON as Go prints it with `%v`. */
export function printed(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(printed).join(' ')}]`;
  if (!isStruct(value)) return String(value);
  return `map[${inOrder(value)
    .map(([key, inner]) => `${key}:${printed(inner)}`)
    .join(' ')}]`;
}

/** A value of JSON as Go writes it with `%#v`. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(written).join(', ')}}`;
  if (!isStruct(value)) return JSON.stringify(value);
  const entries = inOrder(value).map(([key, inner]) => `${JSON.stringify(key)}:${written(inner)}`);
  return `map[string]interface {}{${entries.join(', ')}}`;
}
