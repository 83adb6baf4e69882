import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { readTypeFacts } from '../../api/openapi-facts.ts';

/** Type → field → text; `''` is the type itself. */
export type DescriptionTexts = Record<string, Record<string, string>>;

const dependency = '@kubernetes/client-node';

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Declarations write some names in another way (`_default`, `x_kubernetes_…`, `ref` for `$ref`): letters alone decide. */
const lettersOf = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

/** The classes that may declare an OpenAPI type: with its group in front where the short name is taken twice. */
export function classesOf(type: string): readonly string[] {
  const [group = '', version = '', kind = ''] = type.split('.').slice(-3);
  return [`${capital(group)}${capital(version)}${kind}`, `${capital(version)}${kind}`];
}

const plainText = (text: string): string => text.replaceAll('*_/', '*/').replace(/\\(.)/g, '$1').trim();

/** The documentation in one class declaration: `''` for the class, else by the letters of the field's name. */
export function parseDeclaration(source: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, text = '', field] of source.matchAll(
    /\/\*\*\s*\n\s*\* (.*)\n\s*\*\/\s*\n\s*(?:export declare class \w+|'([^']+)'\??:)/g,
  ))
    found.set(field === undefined ? '' : lettersOf(field), plainText(text));
  return found;
}

const declarationsFolder = (): string => join(dirname(fileURLToPath(import.meta.resolve(dependency))), 'gen', 'models');

/** The documentation of every type, from the type declarations of the client library, which need not be installed. */
export async function readDescriptionTexts(): Promise<DescriptionTexts | undefined> {
  let folder: string;
  let files: Set<string>;
  try {
    folder = declarationsFolder();
    files = new Set(await readdir(folder));
  } catch {
    return undefined;
  }
  const texts: DescriptionTexts = {};
  for (const [type, { properties = {} }] of Object.entries(await readTypeFacts())) {
    const name = classesOf(type).find((candidate) => files.has(`${candidate}.d.ts`));
    if (name === undefined) continue;
    const declared = parseDeclaration(await readFile(join(folder, `${name}.d.ts`), 'utf8'));
    const own: Record<string, string> = {};
    for (const field of ['', ...Object.keys(properties)]) {
      const text = declared.get(lettersOf(field));
      if (text !== undefined) own[field] = text;
    }
    if (Object.keys(own).length > 0) texts[type] = own;
  }
  return texts;
}

/** The same as one compressed file, as it lies beside a bundle's facts. */
export async function makeDescriptions(): Promise<Buffer | undefined> {
  const texts = await readDescriptionTexts();
  return texts && (await promisify(gzip)(JSON.stringify(texts), { level: 9 }));
}
