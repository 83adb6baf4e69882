import type { Shape } from './schema.ts';

const containers: Readonly<Partial<Record<Shape, string>>> = {
  list: 'slice from',
  bytes: 'slice from',
  map: 'map from',
  struct: 'struct from:',
};
const goKinds: Readonly<Partial<Record<Shape, string>>> = { boolean: 'bool', double: 'float64' };

/** What Go's converter of unstructured values says of one (called `word` by its decoder) that is not of a type. */
export function cannotConvert(value: unknown, word: string, goType: string, shape: Shape): string {
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  const words: Readonly<Record<string, string>> = {
    array: 'slice',
    object: 'map',
    number: isWhole ? 'int64' : 'float64',
  };
  const given = words[word] ?? word;
  if (containers[shape]) return `cannot restore ${containers[shape]} ${given}`;
  const isConvertible = shape === 'string' ? given === 'int64' : word === 'number' && shape !== 'boolean';
  return isConvertible ? `cannot convert ${given} to ${goType}` : `unrecognized type: ${goKinds[shape] ?? shape}`;
}
