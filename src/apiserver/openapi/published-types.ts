import { readEnumFacts, type TypeFact } from '../../api/openapi-facts.ts';
import { namedType } from '../../api/schema.ts';
import type { Dialect } from './schema.ts';

type Types = Readonly<Record<string, TypeFact>>;

const zeros: Readonly<Record<string, unknown>> = { string: '', integer: 0, number: 0, boolean: false };

/** Fields whose zero value is published as their default though they may be left out. */
const publishedZeros = new Set([
  'io.k8s.api.autoscaling.v1.ScaleSpec#replicas',
  'io.k8s.api.core.v1.AzureDiskVolumeSource#readOnly',
  'io.k8s.api.core.v1.FileKeySelector#optional',
  'io.k8s.api.core.v1.GRPCAction#service',
  'io.k8s.api.core.v1.LocalObjectReference#name',
  'io.k8s.api.core.v1.ReplicationControllerSpec#minReadySeconds',
  ...['ConfigMap', 'Secret'].flatMap((kind) =>
    ['EnvSource', 'KeySelector', 'Projection'].map((use) => `io.k8s.api.core.v1.${kind}${use}#name`),
  ),
  'io.k8s.api.core.v1.ConfigMapVolumeSource#name',
]);

/** A type whose fields are always there when they are required; of all others it is known field by field. */
const versionInfo = 'io.k8s.apimachinery.pkg.version.Info';

/** The zero value of a type: of a struct no fields; of what has a form of its own (times, quantities, bytes) nothing. */
function zeroOf(fact: TypeFact, types: Types): Pick<TypeFact, 'default'> {
  if (fact.ref !== undefined) return types[fact.ref]?.properties ? { default: {} } : {};
  const zero = fact.format === 'byte' ? undefined : zeros[fact.type ?? ''];
  return zero === undefined ? {} : { default: zero };
}

/** The values in a list or a map always have their zero value as default. */
function withElements(fact: TypeFact, types: Types): TypeFact {
  const element = (of: TypeFact): TypeFact => ({ ...withElements(of, types), ...zeroOf(of, types) });
  return {
    ...fact,
    ...(fact.items ? { items: element(fact.items) } : {}),
    ...(typeof fact.additionalProperties === 'object'
      ? { additionalProperties: element(fact.additionalProperties) }
      : {}),
  };
}

function withEnum(fact: TypeFact, values: readonly string[] | undefined): TypeFact {
  if (!values) return fact;
  if (fact.items) return { ...fact, items: { ...fact.items, enum: values } };
  return typeof fact.additionalProperties === 'object'
    ? { ...fact, additionalProperties: { ...fact.additionalProperties, enum: values } }
    : { ...fact, enum: values };
}

/**
 * The built-in types as a dialect publishes them: with the values that fields may have; version 3 with a default
 * wherever upstream's types have a zero value, version 2 without any.
 */
export async function publishedTypes(facts: Types, dialect: Dialect): Promise<Record<string, TypeFact>> {
  const enums = await readEnumFacts();
  const field = (type: string, name: string, fact: TypeFact, always: ReadonlySet<string>): TypeFact => {
    const known = withEnum(fact, enums[type]?.[name]);
    if (dialect === 'v2') {
      const { default: _, ...rest } = known;
      return rest;
    }
    const hasZero =
      always.has(name) ||
      publishedZeros.has(`${type}#${name}`) ||
      (type === versionInfo && facts[type]?.required?.includes(name) === true);
    return { ...(hasZero ? zeroOf(fact, facts) : {}), ...withElements(known, facts) };
  };
  const write = (type: string, fact: TypeFact): TypeFact => {
    if (!fact.properties) return fact;
    const always = new Set(
      namedType(type)
        .always.filter(({ presence }) => presence === 'always')
        .map(({ name }) => name),
    );
    const fields = Object.entries(fact.properties).map(([name, value]) => [name, field(type, name, value, always)]);
    return { ...fact, properties: Object.fromEntries(fields) };
  };
  return Object.fromEntries(Object.entries(facts).map(([type, fact]) => [type, write(type, fact)]));
}
