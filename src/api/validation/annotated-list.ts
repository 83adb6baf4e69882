import { canonicalValue, isTypeError, newWalk } from '../canonical.ts';
import type { ObjectMeta } from '../gen/meta-v1.ts';
import { jsonSyntaxError } from '../json-syntax.ts';
import { namedType } from '../schema.ts';
import type { Problems } from './problems.ts';

/** Where the JSON of an annotation has a list, and of what. */
export interface AnnotatedList<T> {
  key: string;
  /** Of which a text is said that is no such list. */
  path: string;
  within?(whole: unknown): unknown;
  /** Of `core/v1`; default: anything. */
  type?: string;
  check(list: readonly T[]): void;
}

/** What was said by an annotation before there was a field for it. */
export function validateAnnotatedList<T>(
  p: Problems,
  { annotations }: Pick<ObjectMeta, 'annotations'>,
  { key, path, within = (whole) => whole, type, check }: AnnotatedList<T>,
): void {
  const text = annotations?.[key];
  if (!text) return;
  const wrong = jsonSyntaxError(text);
  if (wrong !== undefined) {
    p.invalid(path, key, wrong);
    return;
  }
  const list = within(JSON.parse(text));
  if (!Array.isArray(list)) return;
  const read = (entry: unknown): unknown =>
    type ? canonicalValue(namedType(`io.k8s.api.core.v1.${type}`), entry, `v1.${type}`, newWalk()) : entry;
  let entries: T[];
  try {
    // Null is an entry of which nothing is said.
    entries = list.map((entry: unknown) => read(entry ?? {}) as T);
  } catch (error) {
    if (!isTypeError(error)) throw error;
    p.invalid(path, key, error.message);
    return;
  }
  check(entries);
}
