import { isLibraryValue, sizeOf } from './values.ts';

/** What going over texts, and matching them against patterns, costs for each character. Upstream: cel-go's `common/cost.go`. */
export const traversal = 0.1;
export const patternTraversal = 0.25;
export const listCost = 10;
export const mapCost = 30;
export const structCost = 40;
/** One question to an authorizer: an expression can afford two. */
export const checkCost = 350_000;
const requirementCost = listCost + structCost;

type Values = readonly unknown[];

const over = (size: number, factor = traversal): number => Math.ceil(size * factor);
const size = (values: Values, i: number): number => sizeOf(values[i]);

function wholeTraversal(value: unknown): number {
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * traversal);
  if (Buffer.isBuffer(value)) return Math.floor(value.length * traversal);
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + wholeTraversal(item), 0);
  if (!(value instanceof Map)) return 1;
  let sum = 0;
  for (const [key, item] of value) sum += wholeTraversal(key) + wholeTraversal(item);
  return sum;
}

const pattern = (text: number, length: number): number => over(1 + text) * over(length, patternTraversal);

const selector = (length: number): number =>
  listCost + over(length) + Math.ceil(Math.ceil(length * 0.5) * requirementCost);

type CallCost = (values: Values, result: unknown, id: string) => number;

const first: CallCost = (values) => over(size(values, 0));
const twice: CallCost = (values) => over(size(values, 0) * 2);
const smaller: CallCost = (values) => over(Math.min(size(values, 0), size(values, 1)));
const gone: CallCost = (values) => wholeTraversal(values[0]);

/** Making a list of a length, each of whose items costs so much. */
const making = (length: number, factor = 1): number => Math.ceil(length * factor) + 1 + listCost;

const output: CallCost = (_values, result) => making(sizeOf(result));

const selfCompare = (list: unknown): number => {
  const length = sizeOf(list);
  const [item] = Array.isArray(list) ? (list as unknown[]) : [];
  const text = typeof item === 'string' || Buffer.isBuffer(item);
  return making(length * length, text ? 2 + traversal : 2);
};

const setCompare =
  (factor: number): CallCost =>
  (values) =>
    1 + size(values, 0) * size(values, 1) * factor;

const addressCompare: CallCost = (values, _result, id) =>
  over(size(values, 0) * 2) + (id.endsWith('(string)') ? over(size(values, 1)) : 0);

/** By the names of functions; every other call costs one. Upstream: `cel/library/cost.go` and cel-go's `runtimecost.go`. */
const byName: Readonly<Record<string, CallCost>> = {
  check: () => checkCost,
  fieldSelector: (values) => selector(size(values, 1)),
  labelSelector: (values) => selector(size(values, 1)),
  isSorted: gone,
  sum: gone,
  max: gone,
  min: gone,
  indexOf: gone,
  lastIndexOf: gone,
  url: first,
  lowerAscii: first,
  upperAscii: first,
  substring: first,
  trim: first,
  'jsonpatch.escapeKey': first,
  replace: twice,
  split: twice,
  join: (_values, result) => over(sizeOf(result) * 2),
  find: (values) => pattern(size(values, 0), size(values, 1)),
  findAll: (values) => pattern(size(values, 0), size(values, 1)),
  matches: (values) => pattern(size(values, 0), size(values, 1)),
  contains: (values) => over(size(values, 0)) * over(size(values, 1)),
  startsWith: first,
  endsWith: first,
  format: first,
  'strings.quote': first,
  cidr: first,
  isIP: first,
  isCIDR: first,
  ip: (values, _result, id) => (id === 'ip(string)' ? over(size(values, 0)) : 1),
  'ip.isCanonical': twice,
  containsIP: addressCompare,
  containsCIDR: (values, result, id) => addressCompare(values, result, id) + over(size(values, 0)) + 1,
  slice: output,
  'lists.range': output,
  reverse: output,
  flatten: (values) => making(size(values, 0), Number(values[1] ?? 1n)),
  distinct: (values) => selfCompare(values[0]),
  sort: (values) => selfCompare(values[0]),
  '@sortByAssociatedKeys': (values) => selfCompare(values[1]),
  'sets.contains': setCompare(1),
  'sets.intersects': setCompare(1),
  'sets.equivalent': setCompare(2),
  quantity: first,
  isQuantity: first,
  semver: first,
  isSemver: first,
  validate: (values) => pattern(size(values, 1), (values[0] as { patternLength?: number } | null)?.patternLength ?? 0),
  '@in': (values) => (Array.isArray(values[1]) ? sizeOf(values[1]) : 1),
  '_==_': (values, result, id) => (isLibraryValue(values[0]) ? 1 : smaller(values, result, id)),
  '_!=_': smaller,
  '_<_': smaller,
  '_<=_': smaller,
  '_>_': smaller,
  '_>=_': smaller,
  '_+_': (values) => {
    const text = typeof values[0] === 'string' || Buffer.isBuffer(values[0]);
    return text ? over(size(values, 0) + size(values, 1)) : 1;
  },
  bytes: (values) => (typeof values[0] === 'string' ? over(size(values, 0)) : 1),
  string: (values) => (Buffer.isBuffer(values[0]) ? over(size(values, 0)) : 1),
};

/** What a call has cost. */
export const costOf = (name: string): CallCost => (Object.hasOwn(byName, name) ? (byName[name] as CallCost) : one);

const one: CallCost = () => 1;
