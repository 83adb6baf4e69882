import { isDeepStrictEqual } from 'node:util';

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The JSON merge patch that leads from `old` to `next`, or undefined when they are the same. A field that is undefined
 * counts as absent; lists are taken whole.
 */
export function mergeDiff(old: unknown, next: unknown): Record<string, unknown> | undefined {
  const before = isMap(old) ? old : {};
  const after = isMap(next) ? next : {};
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const known = before[key];
    if (isMap(value) && isMap(known)) {
      const inner = mergeDiff(known, value);
      if (inner) patch[key] = inner;
    } else if (!sameJson(known, value)) {
      patch[key] = value;
    }
  }
  for (const [key, value] of Object.entries(before)) {
    if (value !== undefined && after[key] === undefined) patch[key] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Equal as JSON: absent and undefined are one. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => sameJson(v, b[i]));
  if (isMap(a) && isMap(b)) {
    for (const key of Object.keys(a)) if (!sameJson(a[key], b[key])) return false;
    for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
    return true;
  }
  return isDeepStrictEqual(a, b);
}
