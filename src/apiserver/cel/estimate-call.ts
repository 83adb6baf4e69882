import { checkCost, listCost, patternTraversal, structCost, traversal } from './call-cost.ts';
import type { SizeAt } from './estimate.ts';
import { fixed, limit, plus, type Size, scaled, times, union, unknownSize } from './size.ts';
import type { Expr } from './tree.ts';
import type { Type } from './types.ts';

/** What a call costs, and how large its result can be where that is known. */
export interface CallEstimate {
  readonly cost: Size;
  readonly size?: Size;
}

/** A value that goes into a call. */
export interface Operand {
  readonly node: Expr;
  readonly type: Type;
  readonly path: readonly string[];
  readonly size: Size | undefined;
  readonly sizeAt: SizeAt;
}

type Estimate = (
  args: readonly Operand[],
  target: Operand | undefined,
  id: string,
  all: readonly Operand[],
) => CallEstimate | undefined;

const sizeOf = (operand: Operand | undefined): Size =>
  operand?.size ?? (operand && operand.path.length > 0 ? operand.sizeAt(operand.path) : undefined) ?? unknownSize;

const one: CallEstimate = { cost: fixed(1) };
const constant: Estimate = () => one;

/** Goes over the first argument, of members over what they are asked of. */
const overFirst: Estimate = (args) => ({ cost: scaled(sizeOf(args[0]), traversal) });
const keepingFirst: Estimate = (args) => ({ cost: scaled(sizeOf(args[0]), traversal), size: sizeOf(args[0]) });
const keepingTarget: Estimate = (_args, target) => ({ cost: scaled(sizeOf(target), traversal), size: sizeOf(target) });

/** The elements of a list, as far as its type and place tell. */
function elementOf(list: Operand): Operand | undefined {
  const [type] = list.type.params;
  if (!type) return undefined;
  return { ...list, type, path: list.path.length > 0 ? [...list.path, '@items'] : [], size: undefined };
}

const eachElement: Estimate = (_args, target) => {
  if (!target) return undefined;
  const element = elementOf(target);
  if (!element) return { cost: scaled(sizeOf(target), traversal) };
  const text = element.type.kind === 'string' || element.type.kind === 'bytes';
  const each = text ? plus(fixed(1), scaled(sizeOf(element), traversal)) : fixed(1);
  return { cost: times(sizeOf(target), each) };
};

const matching: Estimate = (args, target) => {
  if (!target) return undefined;
  const text = scaled(plus(sizeOf(target), fixed(1)), traversal);
  return { cost: times(text, scaled(sizeOf(args[0]), patternTraversal)), size: { min: 0, max: sizeOf(target).max } };
};

const replacing: Estimate = (args, target) => {
  const [text, from, to] = [sizeOf(target), sizeOf(args[0]), sizeOf(args[1])];
  let [most, kept] = [0, text.max];
  if (from.min === 0) most = text.max < limit ? text.max + 1 : text.max;
  else if (to.max > from.min) [most, kept] = [Math.ceil(text.max / from.min), 0];
  let [least, retained] = [0, text.min];
  if (from.max === 0) least = text.min < limit ? text.min + 1 : text.min;
  else if (from.max > to.min) [least, retained] = [Math.ceil(text.min / from.max), 0];
  const size = plus(times({ min: least, max: most }, to), { min: retained, max: kept });
  return { cost: scaled(text, 2 * traversal), size };
};

const splitting: Estimate = (args, target) => {
  const text = sizeOf(target);
  const count = args[1]?.node;
  const most = count?.kind === 'literal' && typeof count.value === 'bigint' ? Number(count.value) : text.max;
  return { cost: scaled(text, 2 * traversal), size: { min: 0, max: most < 0 ? limit : most } };
};

const joining: Estimate = (args, target) => {
  if (!target) return undefined;
  const count = sizeOf(target);
  const element = elementOf(target);
  let size: Size = element ? times(count, sizeOf(element)) : fixed(0);
  if (args[0]) {
    const separators = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) };
    size = plus(size, times(sizeOf(args[0]), separators));
  }
  return { cost: scaled(size, traversal), size };
};

const making = (length: Size, factor = 1): CallEstimate => ({
  cost: plus(scaled(length, factor), fixed(1), fixed(listCost)),
  size: length,
});

const numberOf = (operand: Operand | undefined, other: number): number => {
  const value = operand?.node.kind === 'literal' ? operand.node.value : undefined;
  return typeof value === 'bigint' ? Number(value) : other;
};

const sorting = (list: Operand | undefined): CallEstimate => {
  const element = list && elementOf(list);
  const text = element?.type.kind === 'string' || element?.type.kind === 'bytes';
  return making(times(sizeOf(list), sizeOf(list)), text ? 2 + traversal : 2);
};

const setComparing =
  (factor: number): Estimate =>
  (args) => ({ cost: plus(scaled(times(sizeOf(args[0]), sizeOf(args[1])), factor), fixed(1)) });

const bytes: Size = { min: 4, max: 16 };

const addressCompare: Estimate = (args, _target, id) => {
  const compare = scaled(plus(bytes, bytes), traversal);
  return { cost: id.endsWith('(string)') ? plus(compare, scaled(sizeOf(args[0]), traversal)) : compare };
};

const selecting: Estimate = (args) => {
  const length = sizeOf(args[0]);
  const requirements = scaled(scaled(length, 0.5), listCost + structCost);
  return { cost: plus(fixed(listCost), scaled(length, traversal), requirements) };
};

const comparing: Estimate = (args) => {
  const smallest = Math.min(sizeOf(args[0]).max, sizeOf(args[1]).max);
  return { cost: scaled({ min: smallest > 0 ? 1 : 0, max: smallest }, traversal) };
};

const constantTypes: ReadonlySet<string> = new Set(
  ['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.Semver'].concat(
    ['Authorizer', 'PathCheck', 'GroupCheck', 'ResourceCheck', 'Decision'].map((n) => `kubernetes.authorization.${n}`),
  ),
);

const equals: Estimate = (args, target, id, all) => {
  const [left, right] = args;
  if (left && right && left.type.name === right.type.name) {
    if (constantTypes.has(left.type.name)) return one;
    if (left.type.name === 'kubernetes.NamedFormat') return { cost: scaled({ min: 1, max: 64 }, traversal) };
    if (left.type.name === 'kubernetes.URL') {
      const known = left.size && right.size ? union(left.size, right.size) : fixed(1);
      return { cost: scaled({ min: 1, max: known.max }, traversal) };
    }
  }
  return comparing(args, target, id, all);
};

const nominal = [
  ...['serviceAccount', 'path', 'group', 'resource', 'subresource', 'namespace', 'name', 'allowed', 'reason', 'error'],
  ...['errored', 'masked', 'prefixLength', 'family', 'isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'patch'],
  ...['isLinkLocalUnicast', 'isGlobalUnicast', 'format.named', 'sign', 'asInteger', 'isInteger', 'asApproximateFloat'],
  ...['isGreaterThan', 'isLessThan', 'compareTo', 'add', 'sub', 'major', 'minor', 'getScheme', 'getHostname'],
  ...['getHost', 'getPort', 'getEscapedPath', 'getQuery'],
];

const estimates: Readonly<Record<string, Estimate>> = {
  ...Object.fromEntries(nominal.map((name) => [name, constant])),
  ...Object.fromEntries(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((n) => [n, eachElement])),
  ...Object.fromEntries(['lowerAscii', 'upperAscii', 'substring', 'trim'].map((n) => [n, keepingTarget])),
  ...Object.fromEntries(
    ['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'].map((n) => [n, overFirst]),
  ),
  ...Object.fromEntries(['_!=_', '_<_', '_<=_', '_>_', '_>=_'].map((n) => [n, comparing])),
  slice: (args, target) => making(fixed(Math.max(0, numberOf(args[1], sizeOf(target).max) - numberOf(args[0], 0)))),
  'lists.range': (args) => making(fixed(numberOf(args[0], limit))),
  reverse: (_args, target) => making(sizeOf(target)),
  flatten: (args, target) => making(sizeOf(target), args[0] ? numberOf(args[0], limit) : 1),
  distinct: (_args, target) => making(times(sizeOf(target), sizeOf(target)), 2),
  sort: (_args, target) => sorting(target),
  '@sortByAssociatedKeys': (args) => sorting(args[0]),
  'sets.contains': setComparing(1),
  'sets.intersects': setComparing(1),
  'sets.equivalent': setComparing(2),
  check: () => ({ cost: fixed(checkCost) }),
  fieldSelector: selecting,
  labelSelector: selecting,
  url: keepingFirst,
  'jsonpatch.escapeKey': keepingFirst,
  replace: replacing,
  split: splitting,
  join: joining,
  find: matching,
  findAll: matching,
  matches: (args, target, id, all) => {
    const found = matching(args, target, id, all);
    return found && { cost: found.cost };
  },
  ip: (args, _target, id) => (id === 'ip(string)' ? { cost: scaled(sizeOf(args[0]), traversal) } : one),
  'ip.isCanonical': (args) => ({ cost: scaled(sizeOf(args[0]), 2 * traversal) }),
  containsIP: addressCompare,
  containsCIDR: (args, target, id, all) => {
    const compare = addressCompare(args, target, id, all);
    return compare && { cost: plus(compare.cost, scaled(bytes, traversal), fixed(1)) };
  },
  validate: (args) => ({ cost: scaled(scaled(sizeOf(args[0]), traversal), 128 * patternTraversal) }),
  '_==_': equals,
  contains: (args, target) => ({
    cost: times(scaled(sizeOf(target), traversal), scaled(sizeOf(args[0]), traversal)),
  }),
  startsWith: overFirst,
  endsWith: overFirst,
  format: (_args, target) => ({ cost: scaled(sizeOf(target), traversal) }),
  '@in': (args, _target, id) => (id.includes('list') ? { cost: sizeOf(args[1]) } : undefined),
  bytes: (args, _target, id) => {
    if (id !== 'bytes(string)') return undefined;
    const text = sizeOf(args[0]);
    return { cost: scaled(text, traversal), size: { min: text.min, max: Math.min(limit, text.max * 4) } };
  },
  string: (args, _target, id) => {
    if (id !== 'string(bytes)') return undefined;
    const given = sizeOf(args[0]);
    return { cost: scaled(given, traversal), size: { min: Math.floor(given.min / 4), max: given.max } };
  },
  'strings.quote': (args) => {
    const text = sizeOf(args[0]);
    return { cost: scaled(text, traversal), size: { min: text.min + 2, max: Math.min(limit, text.max * 2 + 2) } };
  },
};

/** What a call of one form of a function costs beside its arguments. Upstream: `cel/library/cost.go`, cel-go's `cost.go`. */
export function estimateCall(
  name: string,
  id: string,
  target: Operand | undefined,
  args: readonly Operand[],
): CallEstimate {
  const known = Object.hasOwn(estimates, name) ? estimates[name] : undefined;
  return known?.(args, target, id, args) ?? one;
}
