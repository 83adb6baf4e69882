import type { Environment } from '@marcbachmann/cel-js';
import { escapedName } from '../cel/values.ts';
import { additionalOf, isObject, itemsOf, type Schema } from './structural.ts';

const scalars: Readonly<Record<string, string>> = { integer: 'int', number: 'double', boolean: 'bool' };

/** Tells an environment of the types of a structural schema; gives the name of the schema's own. */
export function declareSchema(environment: Environment, schema: Schema, name: string, isResource = false): string {
  if (schema['x-kubernetes-int-or-string']) return 'dyn';
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  if (schema.type === 'array') return `list<${items ? declareSchema(environment, items, `${name}.idx`) : 'dyn'}>`;
  if (schema.type === 'string') return stringType(schema.format);
  if (schema.type !== 'object') return scalars[schema.type ?? ''] ?? 'dyn';
  if (isObject(additional)) return `map<string, ${declareSchema(environment, additional as Schema, `${name}.elem`)}>`;
  const resource = isResource || schema['x-kubernetes-embedded-resource'] === true;
  const properties = Object.entries(schema.properties ?? {}) as [string, Schema][];
  if (schema['x-kubernetes-preserve-unknown-fields'] || (properties.length === 0 && !resource)) return 'dyn';
  const fields: Record<string, string> = {};
  for (const [key, property] of properties) {
    const escaped = escapedName(key);
    if (escaped !== undefined) fields[escaped] = declareSchema(environment, property, `${name}.${escaped}`);
  }
  if (resource) {
    environment.registerType(`${name}.ObjectMeta`, { fields: { name: 'string', generateName: 'string' } });
    Object.assign(fields, { apiVersion: 'string', kind: 'string', metadata: `${name}.ObjectMeta` });
  }
  environment.registerType(name, { fields });
  // For the types alone: evaluation sees maps, which the library compares.
  environment.registerOperator(`${name} == ${name}`, () => true);
  return name;
}

function stringType(format: string | undefined): string {
  if (format === 'date-time' || format === 'date') return 'google.protobuf.Timestamp';
  return format === 'duration' ? 'google.protobuf.Duration' : format === 'byte' ? 'dyn' : 'string';
}
