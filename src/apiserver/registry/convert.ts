import { convert as convertBuiltin } from '../../api/convert.ts';
import type { GroupVersionKind } from '../../api/schema.ts';
import { labelAs } from './core.ts';
import type { Draft, Maybe, ResourceDefinition } from './types.ts';

/** An object of a resource in another of its versions (or, for events, its other group). */
export function convertTo(
  definition: Pick<ResourceDefinition, 'convert'>,
  object: Draft,
  to: GroupVersionKind,
): Maybe<Draft> {
  if (definition.convert) return definition.convert(object, to);
  return labelAs(convertBuiltin(object, to) as Draft, to);
}
