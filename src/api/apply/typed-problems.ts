import { printed, written } from '../go-text.ts';
import type { Shape } from '../schema.ts';
import { pathText } from './field-set.ts';
import { childSpot, isKeyless, itemStep, kindOf, type Spot, spotOf } from './typed-value.ts';

type Struct = Record<string, unknown>;

const isStruct = (value: unknown): value is Struct =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isStruct(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

type Check = (value: unknown) => string | undefined;

const text: Check = (v) =>
  typeof v === 'string' ? undefined : `expected string, got &value.valueUnstructured{Value:${written(v)}}`;
const numeric: Check = (v) =>
  typeof v === 'number' || typeof v === 'bigint' ? undefined : `expected numeric (int or float), got ${goType(v)}`;

/** What is wrong with a value of a type that has no parts. */
const scalars: Readonly<Partial<Record<Shape, Check>>> = {
  string: text,
  bytes: text,
  int32: numeric,
  int64: numeric,
  double: numeric,
  boolean: (v) => (typeof v === 'boolean' ? undefined : `expected boolean, got &{${printed(v)}}`),
};

/** What keeps a configuration from being one of its type, as `.spec.foo: why`, in upstream's words. */
export function typedProblems(spot: Spot, value: unknown): string[] {
  const found: string[] = [];
  walk(spot, value, [], found);
  return found;
}

/** Problems as one text. */
export const problemsText = (problems: readonly string[]): string =>
  problems.length === 1 ? (problems[0] as string) : ['errors:', ...problems.map((one) => `  ${one}`)].join('\n');

function walk(spot: Spot, value: unknown, path: string[], found: string[]): void {
  if (value === null || value === undefined) return;
  const say = (why: string): void => void found.push(`${pathText(path)}: ${why}`);
  const { shape } = spot.type;
  const scalar = scalars[shape]?.(value);
  if (scalar !== undefined) say(scalar);
  else if (shape === 'list') {
    if (Array.isArray(value)) walkList(spot, value, path, found, say);
    else say(`expected list, got &{${printed(value)}}`);
  } else if (shape === 'struct' || shape === 'map') {
    if (isStruct(value)) walkMap(spot, value, path, found);
    else say(`expected map, got &{${printed(value)}}`);
  }
}

function walkMap(spot: Spot, value: Struct, path: string[], found: string[]): void {
  for (const [key, inner] of Object.entries(value)) {
    const child = childSpot(spot, key);
    if (!child && spot.type.deduced) continue;
    path.push(`f:${key}`);
    if (child) walk(child, inner, path, found);
    else found.push(`${pathText(path)}: field not declared in schema`);
    path.pop();
  }
}

function walkList(spot: Spot, list: unknown[], path: string[], found: string[], say: (why: string) => void): void {
  const items = spotOf(spot.type.items);
  const isKeyed = kindOf(spot, list) === 'list';
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    if (isKeyed && spot.listType === 'map' && !isStruct(item)) {
      say(`element ${i}: associative list with keys may not have non-map elements`);
      return;
    }
    if (isKeyed && isKeyless(spot, item)) {
      const keys = spot.listMapKeys.map((key) => JSON.stringify(key)).join(' ');
      say(
        `element ${i}: associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
      );
      return;
    }
    const step = isKeyed ? itemStep(spot, item) : `i:${i}`;
    if (isKeyed && seen.has(step)) say(`duplicate entries for key ${pathText([step])}`);
    seen.add(step);
    path.push(step);
    walk(items, item, path, found);
    path.pop();
  }
}
