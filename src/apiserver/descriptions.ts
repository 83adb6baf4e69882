import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { TypeFact } from '../api/openapi-facts.ts';
import { type DescriptionTexts, makeDescriptions } from './openapi/make-descriptions.ts';
import type { Describe } from './openapi/schema.ts';

/** Beside a bundle; a checkout has none and asks the installed dependency. */
const bundled = new URL('./facts/descriptions.json.gz', import.meta.url);

let compressed: Promise<Buffer | undefined> | undefined;

const findTexts = async (): Promise<Buffer | undefined> => {
  try {
    return await readFile(bundled);
  } catch {
    return await makeDescriptions();
  }
};

/** The texts, unpacked anew for each that asks: only their compressed form is kept, and that from the first time on. */
async function readTexts(): Promise<DescriptionTexts> {
  compressed ??= findTexts();
  const bytes = await compressed;
  return bytes ? (JSON.parse((await promisify(gunzip)(bytes)).toString()) as DescriptionTexts) : {};
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/**
 * What fields of a type are, whichever kind they are in. The client library documents no field of a named type, and
 * people (and the conformance suite) know this one by these words.
 */
const fieldsOf: Readonly<Record<string, string>> = { [objectMeta]: "Standard object's metadata." };

/** Types that are written as one value and that the client library does not know. */
const plainTypes: Readonly<Record<string, string>> = {
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus':
    'Serves the status by itself, at /status below the object.',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'Any JSON value.',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'A schema or a list of schemas.',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'A schema or a boolean.',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray':
    'A schema or a list of names.',
  'io.k8s.apimachinery.pkg.api.resource.Quantity':
    'An amount: a decimal number with a suffix of thousands (n, u, m, k, M, G, T, P, E), of 1024s (Ki, Mi, Gi, Ti, Pi, Ei) or an exponent (e3).',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'A set of fields, as a tree of their names.',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'A time in RFC 3339 form, with microseconds.',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': 'A patch, in the form that its media type says.',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'A time in RFC 3339 form.',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'Any object, kept as it is.',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'A number or a text.',
};

/**
 * Documentation of types and fields. A field of a named type that has no text of its own shows its type's. Says nothing
 * where the texts are not there.
 */
export async function readDescriptions(types: Readonly<Record<string, TypeFact>>): Promise<Describe> {
  const texts = await readTexts();
  return (type, field) => {
    const own = texts[type]?.[field];
    if (own !== undefined) return own;
    if (field === '') return plainTypes[type];
    const ref = types[type]?.properties?.[field]?.ref;
    const text = ref === undefined ? undefined : texts[ref]?.[''];
    return text === undefined ? undefined : (fieldsOf[ref ?? ''] ?? text);
  };
}

/** Columns that are documented by the same field in every table. */
const common: Readonly<Record<string, string>> = {
  Name: `${objectMeta}#name`,
  Age: `${objectMeta}#creationTimestamp`,
  'Created At': `${objectMeta}#creationTimestamp`,
};

const known = new Map<string, Promise<ReadonlyMap<string, string>>>();

async function readColumns(place: string): Promise<ReadonlyMap<string, string>> {
  const facts = JSON.parse(await readFile(new URL('./facts/column-fields.json', import.meta.url), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const texts = await readTexts();
  const found = new Map<string, string>();
  for (const [column, source] of Object.entries({ ...common, ...facts[place] })) {
    const [type = '', field = ''] = source.split('#');
    const text = texts[type]?.[field];
    if (text !== undefined) found.set(column, text);
  }
  return found;
}

/** Documentation of the columns of a resource's table, by column name; `place` is `group/version/resource`. */
export function columnDescriptions(place: string): Promise<ReadonlyMap<string, string>> {
  let found = known.get(place);
  if (!found) {
    found = readColumns(place);
    known.set(place, found);
  }
  return found;
}
