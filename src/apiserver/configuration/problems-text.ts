import type { Problems } from '../../api/validation/problems.ts';

/** Problems as one message, each once, as Go's aggregate of field errors shows them; undefined when there are none. */
export function problemsText({ causes }: Problems): string | undefined {
  const all = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  return all.length > 1 ? `[${all.join(', ')}]` : all[0];
}
