import type { FieldReader } from './stored.ts';
import type { Frozen, ResourceDefinition } from './types.ts';

/** The reader of a definition's selectable fields. */
export function fieldReader({ selectableFields }: Pick<ResourceDefinition, 'selectableFields'>): FieldReader {
  const paths = Object.values(selectableFields);
  return {
    names: Object.keys(selectableFields),
    read: (object) => paths.map((path) => (typeof path === 'function' ? path(object) : textAt(object, path))),
  };
}

/** The text of what is at a path; '' where nothing is. */
function textAt(object: Frozen, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[step];
  }
  return value === undefined || value === null ? '' : String(value);
}
