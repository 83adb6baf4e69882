import { type FieldSchema, namedType, type TypeSchema } from '../../api/schema.ts';
import { additionalOf, isObject, itemsOf, type Schema } from './structural.ts';

/** A structural schema in the words of field ownership and patches. */
export function typeOfSchema(schema: Schema, top = true): TypeSchema {
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  const fields = new Map<string, FieldSchema>();
  const inner: { items: TypeSchema | undefined } = { items: undefined };
  const properties = Object.entries(schema.properties ?? {}) as [string, Schema][];
  const isStruct = properties.length > 0 || top;
  for (const [name, property] of properties)
    fields.set(name, fieldOf(name, property, schema.required?.includes(name) ?? false));
  if (top || schema['x-kubernetes-embedded-resource']) {
    fields.set('apiVersion', fieldOf('apiVersion', { type: 'string' } as Schema, false));
    fields.set('kind', fieldOf('kind', { type: 'string' } as Schema, false));
    fields.set('metadata', {
      ...fieldOf('metadata', {} as Schema, false),
      type: namedType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'),
    });
  }
  if (items) inner.items = typeOfSchema(items, false);
  else if (isObject(additional)) inner.items = typeOfSchema(additional as Schema, false);
  const shape = schema['x-kubernetes-int-or-string']
    ? 'int-or-string'
    : !top && schema['x-kubernetes-preserve-unknown-fields']
      ? 'any'
      : isStruct && (schema.type === 'object' || top)
        ? 'struct'
        : schema.type === 'object'
          ? isObject(additional)
            ? 'map'
            : 'any'
          : schema.type === 'array'
            ? 'list'
            : schema.type === 'string'
              ? 'string'
              : schema.type === 'boolean'
                ? 'boolean'
                : schema.type === 'integer'
                  ? 'int64'
                  : schema.type === 'number'
                    ? 'double'
                    : 'any';
  return {
    shape,
    name: '',
    fields,
    items: inner.items,
    gvks: [],
    always: [],
    goType: 'interface {}',
    atomic: schema['x-kubernetes-map-type'] === 'atomic',
    deduced: shape === 'any' || schema['x-kubernetes-preserve-unknown-fields'] === true,
  };
}

type ListType = FieldSchema['listType'];

function fieldOf(name: string, schema: Schema, required: boolean): FieldSchema {
  return {
    name,
    type: typeOfSchema(schema, false),
    required,
    listType: (schema['x-kubernetes-list-type'] ?? (schema.type === 'array' ? 'atomic' : undefined)) as ListType,
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    mapType: schema['x-kubernetes-map-type'] as FieldSchema['mapType'],
    patchStrategy: [],
    patchMergeKey: undefined,
    default: schema.default,
    presence: 'pointer',
    goType: 'interface {}',
    goPath: name,
  };
}
