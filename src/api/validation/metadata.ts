import { sameValue } from '../equal.ts';
import type { LabelSelector, ObjectMeta, OwnerReference } from '../gen/meta-v1.ts';
import { isDns1123Label, isLabelValue, isQualifiedName } from '../names.ts';
import type { Problems } from './problems.ts';

export type NameRule = (name: string) => string[];

export interface MetadataRules {
  namespaced: boolean;
  name: NameRule;
  /** What `generateName` has to be; default: a name, of which a dash may be the end. */
  prefix?: NameRule;
  /** Whether a finalizer without a domain must be one that Kubernetes knows. */
  knownFinalizers: boolean;
}

export const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];
const annotationLimit = 256 * 1024;

/** A dash at the end of a prefix is no fault: letters follow it. */
const maskedDash = (prefix: string): string => (prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix);

export function validateMetadata(p: Problems, meta: ObjectMeta, rules: MetadataRules, path = 'metadata'): void {
  if (meta.generateName) {
    const wrong = rules.prefix ? rules.prefix(meta.generateName) : rules.name(maskedDash(meta.generateName));
    p.all(`${path}.generateName`, meta.generateName, wrong);
  }
  if (!meta.name) p.required(`${path}.name`, 'name or generateName is required');
  else p.all(`${path}.name`, meta.name, rules.name(meta.name));
  if (rules.namespaced) {
    if (!meta.namespace) p.required(`${path}.namespace`);
    else p.all(`${path}.namespace`, meta.namespace, isDns1123Label(meta.namespace));
  } else if (meta.namespace) p.forbidden(`${path}.namespace`, 'not allowed on this type');
  p.nonNegative(`${path}.generation`, meta.generation);
  validateOpenMetadata(p, meta, path);
  validateFinalizers(p, meta.finalizers ?? [], `${path}.finalizers`);
  if (rules.knownFinalizers) validateKnownFinalizers(p, meta.finalizers ?? [], `${path}.finalizers`);
}

function validateOpenMetadata(p: Problems, meta: ObjectMeta, path: string): void {
  validateLabels(p, meta.labels, `${path}.labels`);
  validateAnnotations(p, meta.annotations, `${path}.annotations`);
  validateOwners(p, meta.ownerReferences ?? [], `${path}.ownerReferences`);
  for (const [i, entry] of (meta.managedFields ?? []).entries()) {
    const at = `${path}.managedFields[${i}]`;
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      p.invalid(`${at}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`');
    }
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') {
      p.invalid(`${at}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`');
    }
    if ((entry.manager?.length ?? 0) > 128) p.tooLong(`${at}.manager`, 128);
  }
}

export function validateLabelName(p: Problems, path: string, name: string): void {
  p.all(path, name, isQualifiedName(name));
}

export function validateLabels(p: Problems, labels: Record<string, string> | undefined, path: string): void {
  for (const key in labels) {
    validateLabelName(p, path, key);
    const value = labels[key] ?? '';
    p.all(path, value, isLabelValue(value));
  }
}

export function validateAnnotations(p: Problems, annotations: Record<string, string> | undefined, path: string): void {
  let size = 0;
  for (const key in annotations) {
    p.all(path, key, isQualifiedName(key.toLowerCase()));
    size += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '');
  }
  if (size > annotationLimit) p.tooLong(path, annotationLimit);
}

/** What is made by a template gets the rest of its metadata elsewhere. */
export function validateTemplateMetadata(p: Problems, path: string, meta: ObjectMeta | undefined): void {
  validateAnnotations(p, meta?.annotations, `${path}.annotations`);
  validateLabels(p, meta?.labels, `${path}.labels`);
  for (const field of Object.keys(meta ?? {}).sort()) {
    if (field === 'annotations' || field === 'labels') continue;
    p.forbidden(`${path}.${field === 'uid' ? 'uID' : field}`, 'cannot be set');
  }
}

function validateOwners(p: Problems, owners: readonly OwnerReference[], path: string): void {
  let controller: string | undefined;
  for (const owner of owners) {
    const [, version = ''] = /^(?:[^/]*\/)?([^/]*)$/.exec(owner.apiVersion ?? '') ?? [];
    if (version === '') p.invalid(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty');
    for (const field of ['kind', 'name', 'uid'] as const) {
      if (!owner[field]) p.invalid(`${path}.${field}`, owner[field] ?? '', 'must not be empty');
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      p.invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner');
    }
    if (!owner.controller) continue;
    const current = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = current;
    else {
      const found = `Found "true" in references for ${controller} and ${current}`;
      p.invalid(path, owners, `Only one reference can have Controller set to true. ${found}`);
    }
  }
}

function validateFinalizers(p: Problems, list: readonly string[], path: string): void {
  for (const name of list) p.all(path, name, isQualifiedName(name));
  if (list.includes('orphan') && list.includes('foregroundDeletion')) {
    p.invalid(path, list, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
}

export function validateKnownFinalizers(p: Problems, list: readonly string[], path: string): void {
  for (const [i, name] of list.entries()) {
    if (!name.includes('/') && !standardFinalizers.includes(name)) {
      p.invalid(`${path}[${i}]`, name, 'name is neither a standard finalizer name nor is it fully qualified');
    }
  }
}

const unchanging = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

export function validateMetadataUpdate(p: Problems, meta: ObjectMeta, old: ObjectMeta, rules: MetadataRules): void {
  if (old.deletionTimestamp) {
    const had = old.finalizers ?? [];
    const extra = (meta.finalizers ?? []).filter((f) => !had.includes(f)).sort();
    if (extra.length > 0) {
      const list = `[]string{${extra.map((f) => JSON.stringify(f)).join(', ')}}`;
      const why = 'no new finalizers can be added if the object is being deleted, found new finalizers';
      p.forbidden('metadata.finalizers', `${why} ${list}`);
    }
  }
  if (!meta.resourceVersion) p.invalid('metadata.resourceVersion', '', 'must be specified for an update');
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    p.invalid('metadata.generation', meta.generation ?? 0, 'must not be decremented');
  }
  for (const field of unchanging) {
    const value = meta[field];
    p.immutable(`metadata.${field}`, value ?? (field.startsWith('deletion') ? null : ''), sameValue(value, old[field]));
  }
  validateOpenMetadata(p, meta, 'metadata');
  validateFinalizers(p, meta.finalizers ?? [], 'metadata.finalizers');
  if (rules.knownFinalizers) validateKnownFinalizers(p, meta.finalizers ?? [], 'metadata.finalizers');
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** `unknownAllowed`: of clients that know more operators, where a requirement less only means to ask for more. */
export function validateRequirement(
  p: Problems,
  { key, operator, values = [] }: { key?: string; operator?: string; values?: readonly string[] | undefined },
  at: string,
  unknownAllowed = false,
): void {
  if (!operators.includes(operator ?? '')) {
    if (!unknownAllowed) p.invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator');
  } else validateValues(p, operator ?? '', values, at);
  validateLabelName(p, `${at}.key`, key ?? '');
  for (const [j, value] of values.entries()) p.all(`${at}.values[${j}]`, value, isLabelValue(value));
}

/** How many values go with one of the four operators. */
export function validateValues(p: Problems, operator: string, values: readonly string[], at: string): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) p.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (values.length > 0 && operators.includes(operator))
    p.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
}

export function validateSelector(p: Problems, selector: LabelSelector | undefined, path: string): void {
  validateLabels(p, selector?.matchLabels, `${path}.matchLabels`);
  for (const [i, e] of (selector?.matchExpressions ?? []).entries())
    validateRequirement(p, e, `${path}.matchExpressions[${i}]`);
}

export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions?.length ?? 0) === 0;
