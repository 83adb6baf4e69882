import type { Fields, Shape } from './shape.ts';

type Schema = Record<string, unknown>;

/** A scalar is taken as its text whatever YAML reads it as. */
const scalar = ['string', 'number', 'boolean'];

/** A shape as JSON Schema (draft 2020-12). */
export function schemaOf(shape: Shape): Schema {
  const description = shape.doc;
  switch (shape.kind) {
    case 'text': {
      if (shape.oneOf !== undefined) {
        const values: unknown[] = [...shape.oneOf];
        for (const value of shape.oneOf) if (/^\d+$/.test(value)) values.push(Number(value));
        for (const value of shape.oneOf) if (value === 'true' || value === 'false') values.push(value === 'true');
        return { description, enum: values };
      }
      if (shape.pattern === undefined) return { description, type: scalar };
      // `i` is the only flag that patterns here have
      const source = shape.pattern.flags.includes('i')
        ? shape.pattern.source.replace('[KMGT]', '[KMGTkmgt]')
        : shape.pattern.source;
      return { description, type: scalar, pattern: source };
    }
    case 'flag':
      return {
        description,
        anyOf: [{ type: 'boolean' }, { enum: ['true', 'false', 'yes', 'no', 'on', 'off', '1', '0', 1, 0] }],
      };
    case 'whole':
      return { description, type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'command':
      return { description, anyOf: [{ type: scalar }, { type: 'array', items: { type: scalar } }] };
    case 'list': {
      const item = schemaOf(shape.items);
      const items = shape.needless === undefined ? item : { anyOf: [item, { enum: [...shape.needless] }] };
      const many = { type: 'array', items };
      return { description, ...(shape.items.kind === 'fields' ? many : { anyOf: [many, items] }) };
    }
    case 'map':
      return {
        description,
        type: 'object',
        ...(shape.names?.pattern === undefined ? {} : { propertyNames: { pattern: shape.names.pattern.source } }),
        additionalProperties: orNull(schemaOf(shape.values)),
      };
    case 'fields': {
      const map = fieldsSchema(shape);
      return shape.positional === undefined
        ? { description, ...map }
        : {
            description,
            anyOf: [map, { type: 'array', items: { type: [...scalar, 'null'] }, minItems: shape.required.length }],
          };
    }
  }
}

/** A key without a value counts as not given. */
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

function fieldsSchema(shape: Fields): Schema {
  const properties: Record<string, Schema> = {};
  for (const [name, field] of Object.entries(shape.fields)) properties[name] = orNull(schemaOf(field));
  // of the names that are taken too, those that people write
  const simple = (field: Shape): boolean =>
    (field.kind === 'list' && field.items.kind === 'text') || (field.kind === 'map' && field.values.kind === 'text');
  const short = Object.entries(shape.fields).flatMap(([name, field]) =>
    shape.loose && name.endsWith('s') && simple(field) ? [name] : [],
  );
  const names = { ...Object.fromEntries(short.map((name) => [name.slice(0, -1), name])), ...shape.aliases };
  for (const [name, of] of Object.entries(names))
    properties[name] = { description: `another name of ${of}`, ...properties[of] };
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(shape.required.length === 0 ? {} : { required: [...shape.required] }),
  };
}
