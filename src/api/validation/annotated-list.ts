import type { ObjectMeta } from '../gen/meta-v1.ts';
import { jsonSyntaxError } from '../json-syntax.ts';
import type { Problems } from './problems.ts';

/** A list that an annotation holds as JSON. `path`: of which its text is said to be none. */
export function validateAnnotatedList<T>(
  p: Problems,
  path: string,
  { annotations }: ObjectMeta,
  key: string,
  check: (list: readonly T[]) => void,
  within: (whole: unknown) => unknown = (whole) => whole,
): void {
  const text = annotations?.[key];
  if (!text) return;
  const wrong = jsonSyntaxError(text);
  if (wrong !== undefined) {
    p.invalid(path, key, wrong);
    return;
  }
  const list = within(JSON.parse(text));
  if (Array.isArray(list)) check(list as T[]);
}
