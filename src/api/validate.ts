import type { StatusCause } from './gen/meta-v1.ts';
import type { KubernetesObject } from './object.ts';
import { type GroupVersionKind, schemaOf } from './schema.ts';
import { type MetadataRules, validateMetadata, validateMetadataUpdate } from './validation/metadata.ts';
import { inEveryPass, namesAgain } from './validation/metadata-passes.ts';
import { Problems } from './validation/problems.ts';
import { rulesOf } from './validation/rules.ts';

/**
 * What is wrong with a new object of a built-in kind (defaults applied); empty when nothing is. Give the result to
 * `invalid()` of `status.ts`. Object metadata is validated too: `namespaced` says which scope the resource has.
 */
export function validateCreate(
  gvk: GroupVersionKind,
  object: KubernetesObject,
  options: { namespaced: boolean },
): StatusCause[] {
  const problems = new Problems();
  const rules = rulesOf(gvk);
  validateMetadata(problems, object.metadata, metadataRules(gvk, object, options));
  rules.create?.(problems, object as never, undefined as never);
  return problems.causes;
}

/** The same for a change; `subresource` is '' for the object itself, or `status`, `scale`, … */
export function validateUpdate(
  gvk: GroupVersionKind,
  object: KubernetesObject,
  old: KubernetesObject,
  options: { namespaced: boolean; subresource?: string },
): StatusCause[] {
  const problems = new Problems();
  const rules = rulesOf(gvk);
  validateMetadataUpdate(problems, object.metadata, old.metadata, metadataRules(gvk, object, options));
  const metadata = problems.causes.length;
  const named = !options.subresource && namesAgain(gvk) ? rules.namesOf?.(object as never) : undefined;
  const name = object.metadata.name ?? '';
  if (named) problems.all('metadata.name', name, named(name));
  if (!options.subresource) (rules.update ?? rules.create)?.(problems, object as never, old as never);
  else if (options.subresource === 'status') rules.status?.(problems, object as never, old as never);
  else rules.subresources?.[options.subresource]?.(problems, object as never, old as never);
  const { causes } = problems;
  const { subresource = '' } = options;
  // Custom resources have no rules of their own.
  if (metadata === 0 || (subresource !== '' && subresource !== 'status') || !schemaOf(gvk)) return causes;
  return [...inEveryPass(gvk, causes.slice(0, metadata), subresource), ...causes.slice(metadata)];
}

/** The rules for the metadata of a kind: which names it allows and how strict its finalizers are. */
function metadataRules(
  gvk: GroupVersionKind,
  object: KubernetesObject,
  { namespaced }: { namespaced: boolean },
): MetadataRules {
  const { namesOf, knownFinalizers, ...fixed } = rulesOf(gvk);
  const name = namesOf?.(object as never) ?? fixed.name;
  const prefix = namesOf ? name : fixed.prefix;
  return { namespaced, name, knownFinalizers, ...(prefix ? { prefix } : {}) };
}
