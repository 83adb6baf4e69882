import { badRequest } from '../status.ts';

/**
 * Sets of field paths, as `managedFields` keeps them. A step of a path is `f:name`, `k:{"key":…}` or `v:value`; a node
 * that is in the set itself is a member; nodes below are in the set on their own account.
 */
export interface FieldSet {
  member: boolean;
  children: Map<string, FieldSet> | undefined;
}

/** The form of `fieldsV1`: steps as keys, `.` for a member that has members below. */
export interface FieldsV1 {
  [step: string]: FieldsV1;
}

export const emptySet = (): FieldSet => ({ member: false, children: undefined });

export function isEmptySet(set: FieldSet): boolean {
  return !set.member && !set.children?.size;
}

export function insert(set: FieldSet, path: readonly string[]): void {
  let at = set;
  for (const step of path) {
    at.children ??= new Map();
    let next = at.children.get(step);
    if (!next) {
      next = emptySet();
      at.children.set(step, next);
    }
    at = next;
  }
  at.member = true;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const children = new Map(a.children);
  for (const [step, inner] of b.children ?? []) {
    const had = children.get(step);
    children.set(step, had ? union(had, inner) : inner);
  }
  return { member: a.member || b.member, children: children.size > 0 ? children : undefined };
}

/** What is in `a` and not in `b`: exactly those paths, not what is below them. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (!a.children || !b.children) return a.member && b.member ? { member: false, children: a.children } : a;
  let children: Map<string, FieldSet> | undefined;
  for (const [step, inner] of a.children ?? []) {
    const other = b.children?.get(step);
    const left = other ? difference(inner, other) : inner;
    if (isEmptySet(left)) continue;
    children ??= new Map();
    children.set(step, left);
  }
  return { member: a.member && !b.member, children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  let children: Map<string, FieldSet> | undefined;
  for (const [step, inner] of a.children ?? []) {
    const other = b.children?.get(step);
    const both = other && intersection(inner, other);
    if (!both || isEmptySet(both)) continue;
    children ??= new Map();
    children.set(step, both);
  }
  return { member: a.member && b.member, children };
}

/** Whether a stored set and `b` have a path in common; much cheaper than decoding. */
export function touches(fields: FieldsV1, b: FieldSet): boolean {
  for (const [step, inner] of b.children ?? []) {
    const found = fields[step];
    if (found && ((inner.member && isMember(found)) || touches(found, inner))) return true;
  }
  return false;
}

function isMember(node: FieldsV1): boolean {
  if (node['.'] !== undefined) return true;
  for (const _ in node) return false;
  return true;
}

/** Whether every path of `b` is in the stored set. */
export function covers(fields: FieldsV1, b: FieldSet): boolean {
  for (const [step, inner] of b.children ?? []) {
    const found = fields[step];
    if (!found || (inner.member && !isMember(found)) || !covers(found, inner)) return false;
  }
  return true;
}

/** No object is nested deeper. */
const deepest = 1_000;

export function decodeFields(fields: FieldsV1, member = false, depth = 0): FieldSet {
  if (depth > deepest) throw badRequest('metadata.managedFields: the fields are nested too deeply');
  const set: FieldSet = { member, children: undefined };
  for (const [step, inner] of Object.entries(fields)) {
    if (step === '.') {
      set.member = true;
      continue;
    }
    set.children ??= new Map();
    const child = decodeFields(inner, false, depth + 1);
    if (!child.children) child.member = true;
    set.children.set(step, child);
  }
  return set;
}

export function encodeFields(set: FieldSet): FieldsV1 {
  const fields: FieldsV1 = {};
  if (!set.children) return fields;
  if (set.member) fields['.'] = {};
  for (const step of [...set.children.keys()].sort()) {
    fields[step] = encodeFields(set.children.get(step) as FieldSet);
  }
  return fields;
}

/** All paths of a set, outer before inner. */
export function pathsOf(set: FieldSet, at: readonly string[] = []): string[][] {
  const paths = set.member ? [[...at]] : [];
  for (const step of [...(set.children?.keys() ?? [])].sort()) {
    paths.push(...pathsOf(set.children?.get(step) as FieldSet, [...at, step]));
  }
  return paths;
}

/** `.spec.containers[name="a"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(stepText).join('');
}

function stepText(step: string): string {
  const rest = step.slice(2);
  switch (step.slice(0, 2)) {
    case 'f:':
      return `.${rest}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v:':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
