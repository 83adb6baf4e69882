import { createHash } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../api/object.ts';
import { KnarrError } from '../../base/errors.ts';

/** An object as a manifest gives it. */
export type ManifestObject = KubernetesObject & { apiVersion: string; kind: string };

const fault = (file: string, why: string): KnarrError =>
  new KnarrError({ code: 'invalid-manifest', blame: 'user', message: `${file}: ${why}`, details: { file } });

function toObject(file: string, value: unknown): ManifestObject[] {
  if (value === null || value === undefined) return [];
  const object = value as Partial<ManifestObject> & { items?: unknown };
  if (typeof object !== 'object' || Array.isArray(object)) throw fault(file, 'a document is not an object');
  if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string')
    throw fault(file, 'a document has no apiVersion or no kind');
  if (object.kind === 'List' && Array.isArray(object.items))
    return object.items.flatMap((item) => toObject(file, item));
  if (typeof object.metadata?.name !== 'string') throw fault(file, `a ${object.kind} has no metadata.name`);
  return [object as ManifestObject];
}

/** The objects of a YAML or JSON file, in order; empty documents are left out, a List is taken apart. */
export function parseManifest(file: string, text: string): ManifestObject[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw fault(file, error.message);
    return toObject(file, document.toJS());
  });
}

export const checksum = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The add-on's name: the file's name without its ending. Undefined where the file is none, with the reason. */
export function addonName(file: string): { name: string } | { ignored: string | undefined } {
  const match = /^(.+)\.(yaml|yml|json)$/.exec(file);
  if (match === null || file.startsWith('.')) return { ignored: undefined };
  const name = match[1] ?? '';
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return { name };
  return { ignored: `${JSON.stringify(name)} is not a name of lower-case letters, digits, "-" and "."` };
}
