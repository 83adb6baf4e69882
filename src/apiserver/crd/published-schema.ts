import type { TypeFact } from '../../api/openapi-facts.ts';
import type { Dialect } from '../openapi/schema.ts';
import { additionalOf, isObject, itemsOf, type Schema } from './structural.ts';

/**
 * How the schema of a custom resource is published. Version 2 of OpenAPI cannot say everything: what it cannot is left
 * out there, so that clients refuse nothing that the server takes. Upstream: `apiextensions-apiserver`,
 * `pkg/controller/openapi/{builder,v2}`.
 */

const metadata: TypeFact = { ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
const text: TypeFact = { type: 'string' };
export const kindFields: Readonly<Record<string, TypeFact>> = { apiVersion: text, kind: text, metadata };

/** What version 2 has no words for. */
const laterKeys = ['allOf', 'anyOf', 'oneOf', 'not', 'nullable'];
const structure = new Set(['items', 'properties', 'additionalProperties', 'type', 'required']);

const eitherType = [{ type: 'integer' }, { type: 'string' }];

/** An integer or a string, where the schema leaves unsaid what its extension means. */
function unfolded(schema: Schema): Partial<Schema> {
  if (!schema['x-kubernetes-int-or-string']) return {};
  const isEither = (anyOf: unknown): boolean => JSON.stringify(anyOf) === JSON.stringify(eitherType);
  if (isEither(schema.anyOf) || isEither(schema.allOf?.[0]?.anyOf)) return {};
  return schema.anyOf ? { allOf: [{ anyOf: eitherType }, ...(schema.allOf ?? [])] } : { anyOf: eitherType };
}

function plainKeys(schema: Schema, dialect: Dialect): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ ...schema, ...unfolded(schema) }).filter(
      ([key, value]) =>
        value !== undefined &&
        // Unset flags and texts are left out; a default or an example may well be one of these.
        ((value !== false && value !== '') || key === 'default' || key === 'example') &&
        !structure.has(key) &&
        !key.startsWith('$') &&
        !(dialect === 'v2' && laterKeys.includes(key)),
    ),
  );
}

/** Fields that may be null are not required where null cannot be said. */
function requiredOf(schema: Schema, dialect: Dialect): readonly string[] {
  const required = schema.required ?? [];
  if (dialect === 'v3') return required;
  const additional = additionalOf(schema);
  if (isObject(additional) && (additional as Schema).nullable) return [];
  return required.filter((name) => !schema.properties?.[name]?.nullable);
}

/** One node of a schema. */
export function publishedSchema(schema: Schema, dialect: Dialect): TypeFact {
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const bare = dialect === 'v2' && (open || schema.nullable === true);
  const items = bare ? undefined : itemsOf(schema);
  const properties = bare ? undefined : schema.properties;
  const additional = additionalOf(schema);
  const untyped =
    dialect === 'v2' &&
    (schema.nullable === true || (schema.type === 'array' && !items) || (schema.type === 'object' && open));
  const required = [...requiredOf(schema, dialect)];
  const fields = Object.fromEntries(
    Object.entries(properties ?? {}).map(([name, value]) => [name, publishedSchema(value as Schema, dialect)]),
  );
  const embedded = schema['x-kubernetes-embedded-resource'] === true && !(open && dialect === 'v2');
  if (embedded) for (const name of ['kind', 'apiVersion']) if (!required.includes(name)) required.push(name);
  return {
    ...plainKeys(schema, dialect),
    ...(schema.type && !untyped ? { type: schema.type } : {}),
    ...(required.length > 0 ? { required } : {}),
    ...(items ? { items: publishedSchema(items, dialect) } : {}),
    ...(properties || embedded ? { properties: embedded ? { ...fields, ...kindFields } : fields } : {}),
    ...(additional === undefined
      ? {}
      : {
          additionalProperties: typeof additional === 'boolean' ? additional : publishedSchema(additional, dialect),
        }),
  };
}

/** A kind's schema, with the fields that every kind has; without a schema, or with an open one in version 2, none. */
export function publishedKind(schema: Schema | undefined, dialect: Dialect): TypeFact {
  if (!schema || (dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields'] === true))
    return { type: 'object' };
  const fact = publishedSchema(schema, dialect);
  return { ...fact, properties: { ...fact.properties, ...kindFields } };
}
