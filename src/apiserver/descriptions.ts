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

/**
 * Documentation of types and fields. A field of a named type that has no text of its own shows its type's. Says nothing
 * where the texts are not there.
 */
export async function readDescriptions(types: Readonly<Record<string, TypeFact>>): Promise<Describe> {
  const texts = await readTexts();
  return (type, field) => {
    const own = texts[type]?.[field];
    if (own !== undefined || field === '') return own;
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
