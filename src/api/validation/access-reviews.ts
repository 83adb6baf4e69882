import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  ResourceAttributes,
  SubjectAccessReviewSpec,
} from '../gen/authorization-v1.ts';
import type { ObjectMeta, StatusCause } from '../gen/meta-v1.ts';
import { validateRequirement, validateValues } from './metadata.ts';
import { Problems } from './problems.ts';

export type AccessReviewKind = 'SubjectAccessReview' | 'SelfSubjectAccessReview' | 'LocalSubjectAccessReview';

export interface AccessReview {
  metadata?: ObjectMeta | undefined;
  spec?: SubjectAccessReviewSpec | undefined;
}

function validateSelectorAttributes(
  p: Problems,
  selector: FieldSelectorAttributes | LabelSelectorAttributes | undefined,
  path: string,
): boolean {
  if (!selector) return false;
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector !== '' && requirements.length > 0)
    p.invalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements');
  if (rawSelector === '' && requirements.length === 0)
    p.required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`);
  return true;
}

function validateResource(p: Problems, attributes: ResourceAttributes | undefined): void {
  const path = 'spec.resourceAttributes';
  const { fieldSelector, labelSelector } = attributes ?? {};
  if (validateSelectorAttributes(p, fieldSelector, `${path}.fieldSelector`))
    for (const [i, { key, operator, values = [] }] of (fieldSelector?.requirements ?? []).entries()) {
      const at = `${path}.fieldSelector.requirements[${i}]`;
      if (!key) p.required(`${at}.key`, 'must be specified');
      validateValues(p, operator, values, at);
    }
  if (validateSelectorAttributes(p, labelSelector, `${path}.labelSelector`))
    for (const [i, requirement] of (labelSelector?.requirements ?? []).entries())
      validateRequirement(p, requirement, `${path}.labelSelector.requirements[${i}]`, true);
}

/** Go's names of the fields, as messages show them. */
const shownPath = ({ path, verb }: { path?: string | undefined; verb?: string | undefined }) => ({
  Path: path ?? '',
  Verb: verb ?? '',
});

/** Upstream: `pkg/apis/authorization/validation`. */
export function validateAccessReview(
  kind: AccessReviewKind,
  { metadata = {}, spec = {} }: AccessReview,
): StatusCause[] {
  const p = new Problems();
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if (resource && path)
    p.invalid(
      'spec.nonResourceAttributes',
      shownPath(path),
      'cannot be specified in combination with resourceAttributes',
    );
  if (!resource && !path)
    p.invalid(
      'spec.resourceAttributes',
      null,
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  if (kind !== 'SelfSubjectAccessReview' && !spec.user && (spec.groups?.length ?? 0) === 0)
    p.invalid('spec.user', '', 'at least one of user or group must be specified');
  validateResource(p, resource);

  const { managedFields: _, ...said } = metadata;
  const local = kind === 'LocalSubjectAccessReview';
  if (local) delete said.namespace;
  if (Object.values(said).some((value) => value !== undefined && value !== ''))
    p.invalid('metadata', metadata, local ? 'must be empty except for namespace' : 'must be empty');
  if (local && resource && (resource.namespace ?? '') !== (metadata.namespace ?? ''))
    p.invalid('spec.resourceAttributes.namespace', resource.namespace ?? '', 'must match metadata.namespace');
  if (local && path) p.invalid('spec.nonResourceAttributes', shownPath(path), 'disallowed on this kind of request');
  return p.causes;
}
