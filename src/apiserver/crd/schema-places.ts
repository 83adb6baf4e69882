import { additionalOf, isObject, itemsOf, type Json, type Schema } from './structural.ts';

/** A place in a schema, and what those around it say of it. */
export interface Place {
  schema: Schema;
  path: string;
  root: boolean;
  /** How often the place may be there at the most; Infinity where a list or map around it has no bound. */
  times: number;
  /** The innermost place around it whose parts cannot be told from one another by what they were before. */
  uncorrelated: string | undefined;
  /** Within what says of an embedded resource what it is and what it is called: that resource. */
  resource: Resource | undefined;
}

interface Resource {
  schema: Schema;
  /** Such a resource with a value at the place. */
  around(value: Json): Json;
}

/** How many elements the schema itself allows. */
function allowed(schema: Schema): number {
  if (schema.type === 'array') return Number(schema.maxItems ?? Number.POSITIVE_INFINITY);
  if (schema.type === 'object' && additionalOf(schema) !== undefined) {
    return Number(schema.maxProperties ?? Number.POSITIVE_INFINITY);
  }
  return 1;
}

const selfDescription = ['apiVersion', 'kind', 'metadata'];
const isEmbedded = (schema: Schema): boolean => schema['x-kubernetes-embedded-resource'] === true;

/** The resource of which what is below a place is said; `put` gives a value of the place with one of what is below. */
function resourceBelow({ schema, resource }: Place, put: (value: Json) => Json, key = ''): Resource | undefined {
  if (!isEmbedded(schema)) return resource && { ...resource, around: (value) => resource.around(put(value)) };
  if (!selfDescription.includes(key)) return undefined;
  return { schema, around: (value) => ({ apiVersion: 'validation/v1', kind: 'Validation', [key]: value }) };
}

function* nested(place: Place): Generator<Place> {
  const { schema, path, times, uncorrelated } = place;
  yield place;
  const each = { root: false, times: times * Math.max(0, allowed(schema)) };
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const resource = resourceBelow(place, (value) => ({ [key]: value }), key);
    const at = `${path}.properties[${key}]`;
    yield* nested({ ...each, schema: property as Schema, path: at, uncorrelated, resource });
  }
  const items = itemsOf(schema);
  if (items) {
    const keyed = schema['x-kubernetes-list-type'] === 'map';
    const resource = resourceBelow(place, (value) => [value]);
    const unknown = keyed ? uncorrelated : path;
    yield* nested({ ...each, schema: items, path: `${path}.items`, uncorrelated: unknown, resource });
  }
  const additional = additionalOf(schema);
  if (isObject(additional)) {
    const at = `${path}.additionalProperties`;
    yield* nested({ ...each, schema: additional as Schema, path: at, uncorrelated, resource: undefined });
  }
}

export const placesIn = (schema: Schema, path: string): Generator<Place> =>
  nested({ schema, path, root: true, times: 1, uncorrelated: undefined, resource: undefined });
