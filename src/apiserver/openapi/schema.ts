import type { TypeFact } from '../../api/openapi-facts.ts';

/** Which of the two forms of OpenAPI is written: they differ in how a reference stands beside other keywords. */
export type Dialect = 'v2' | 'v3';

const reference = (name: string, dialect: Dialect): object => ({
  $ref: dialect === 'v2' ? `#/definitions/${name}` : `#/components/schemas/${name}`,
});

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** Text of a type's (`''`) or a field's documentation. */
export type Describe = (type: string, field: string) => string | undefined;

const pod = 'io.k8s.api.core.v1.Pod';
const kindFields = new Set(['apiVersion', 'kind', 'metadata']);

const mapValues = <T>(values: Readonly<Record<string, T>>, write: (value: T, key: string) => object): object =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, write(value, key)]));

function writeProperty(fact: TypeFact, dialect: Dialect, description: string | undefined): object {
  const { ref, items, additionalProperties, properties, ...rest } = fact;
  const text = description === undefined ? {} : { description };
  if (ref !== undefined) {
    const beside = { ...text, ...rest };
    // Version 3 reads nothing beside a reference.
    return dialect === 'v2' || Object.keys(beside).length === 0
      ? { ...beside, ...reference(ref, dialect) }
      : { ...beside, allOf: [reference(ref, dialect)] };
  }
  return {
    ...text,
    ...rest,
    ...(items ? { items: writeProperty(items, dialect, undefined) } : {}),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: writeProperty(additionalProperties, dialect, undefined) }
      : additionalProperties === undefined
        ? {}
        : { additionalProperties }),
    ...(properties ? { properties: mapValues(properties, (value) => writeProperty(value, dialect, undefined)) } : {}),
  };
}

/** One named type as a schema. */
export function writeType(name: string, fact: TypeFact, dialect: Dialect, describe: Describe): object {
  const description = describe(name, '');
  const text = description === undefined ? {} : { description };
  if (dialect === 'v3' && name === quantity) return { ...text, oneOf: [{ type: 'string' }, { type: 'number' }] };
  if (dialect === 'v3' && name === intOrString)
    return { ...text, format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
  const { properties } = fact;
  // The fields of every kind mean the same in kinds that nobody documented.
  const undocumented = fact['x-kubernetes-group-version-kind'] !== undefined && description === undefined;
  const like = `${pod}${properties?.items ? 'List' : ''}`;
  const describeField = (field: string): string | undefined =>
    undocumented && kindFields.has(field) && !properties?.[field]?.description
      ? describe(like, field)
      : describe(name, field);
  return {
    ...text,
    ...writeProperty(fact, dialect, undefined),
    ...(properties
      ? { properties: mapValues(properties, (value, field) => writeProperty(value, dialect, describeField(field))) }
      : {}),
  };
}

/** `names` and every type that they lead to. */
export function closure(names: Iterable<string>, types: Readonly<Record<string, TypeFact>>): Set<string> {
  const found = new Set<string>();
  const waiting = [...names];
  const visit = (fact: TypeFact): void => {
    if (fact.ref !== undefined) waiting.push(fact.ref);
    if (fact.items) visit(fact.items);
    if (typeof fact.additionalProperties === 'object') visit(fact.additionalProperties);
    for (const property of Object.values(fact.properties ?? {})) visit(property);
  };
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const fact = types[name];
    if (found.has(name) || !fact) continue;
    found.add(name);
    visit(fact);
  }
  return found;
}
