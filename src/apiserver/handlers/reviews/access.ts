import type { SubjectAccessReviewSpec } from '../../../api/gen/authorization-v1.ts';
import type { ObjectMeta } from '../../../api/gen/meta-v1.ts';
import { badRequest, invalid } from '../../../api/status.ts';
import { type AccessReviewKind, validateAccessReview } from '../../../api/validation/access-reviews.ts';
import { type Attributes, type Authorizer, aggregated } from '../../authz/authorizer.ts';
import type { RbacAuthorizer } from '../../authz/rbac.ts';
import type { Admission } from '../../registry/types.ts';
import type { UserInfo } from '../../server.ts';
import type { Answer, Call, StoreHandler } from '../call.ts';
import type { SpecialHandlers } from '../route.ts';
import { readReview } from './read.ts';
import { type ReviewedSelector, reviewedFields, reviewedLabels } from './selectors.ts';

const group = 'authorization.k8s.io';

type Review = {
  metadata: ObjectMeta;
  spec?: SubjectAccessReviewSpec & { namespace?: string };
  status?: object;
};

/** What a review's spec asks, in the words of the authorizer. */
export function attributesOfSpec(spec: SubjectAccessReviewSpec): Attributes {
  const { resourceAttributes: r, nonResourceAttributes: n } = spec;
  return {
    isResource: r !== undefined,
    path: n?.path ?? '',
    verb: r?.verb ?? n?.verb ?? '',
    group: r?.group ?? '',
    version: r ? r.version || '*' : '',
    resource: r?.resource ?? '',
    subresource: r?.subresource ?? '',
    namespace: r?.namespace ?? '',
    name: r?.name ?? '',
  };
}

function check(kind: AccessReviewKind, given: Review): void {
  const causes = validateAccessReview(kind, given);
  if (causes.length === 0) return;
  const error = invalid({ group, kind: '' }, '', causes);
  // Upstream names the group alone.
  delete error.status.details?.kind;
  throw error;
}

async function decided(authorizer: Authorizer, user: UserInfo, spec: SubjectAccessReviewSpec): Promise<object> {
  const fields = reviewedFields(spec.resourceAttributes?.fieldSelector);
  const labels = reviewedLabels(spec.resourceAttributes?.labelSelector);
  const asked = { ...attributesOfSpec(spec), fieldSelector: fields.text, labelSelector: labels.text };
  const { allowed, denied, reason, error } = await authorizer.authorize(user, asked);
  const left = (name: string, { ignored }: ReviewedSelector): string[] =>
    ignored ? [`spec.resourceAttributes.${name} ${ignored} due to parse error`] : [];
  const errors = [error ?? [], left('fieldSelector', fields), left('labelSelector', labels)].flat();
  return {
    allowed,
    ...(denied ? { denied } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(errors.length > 0 ? { evaluationError: errors.join('; ') } : {}),
  };
}

const created = (object: object): Answer => ({ kind: 'object', status: 201, object });

const subject = (spec: SubjectAccessReviewSpec): UserInfo => ({
  name: spec.user ?? '',
  uid: spec.uid,
  groups: spec.groups ?? [],
  extra: spec.extra as Record<string, string[]> | undefined,
});

/** SubjectAccessReview, its Self and Local forms, and SelfSubjectRulesReview; `unresolved` says why its rules are not all. */
export function accessReviews(
  authorizer: Authorizer,
  rbac: RbacAuthorizer,
  unresolved: (user: UserInfo) => readonly string[],
  admission: Admission,
): ReadonlyMap<string, SpecialHandlers> {
  const review =
    (
      kind: AccessReviewKind | 'SelfSubjectRulesReview',
      answer: (call: Call, review: Review) => object | Promise<object>,
    ): StoreHandler =>
    async (call, store) => {
      const { object, admitted } = await readReview(call, store, admission);
      const given = object as unknown as Review;
      if (kind !== 'SelfSubjectRulesReview') check(kind, given);
      else if (!given.spec?.namespace) throw badRequest('no namespace on request');
      await admitted();
      const status = await answer(call, given);
      const { apiVersion } = object;
      return created(
        kind === 'SelfSubjectRulesReview'
          ? { kind, apiVersion, metadata: {}, spec: {}, status }
          : { ...object, status },
      );
    };
  const spec = (given: Review): SubjectAccessReviewSpec => given.spec ?? {};

  return new Map<string, SpecialHandlers>([
    [
      `${group}/selfsubjectaccessreviews/`,
      { create: review('SelfSubjectAccessReview', (call, given) => decided(authorizer, call.user, spec(given))) },
    ],
    [
      `${group}/subjectaccessreviews/`,
      {
        create: review('SubjectAccessReview', (_call, given) => decided(authorizer, subject(spec(given)), spec(given))),
      },
    ],
    [
      `${group}/localsubjectaccessreviews/`,
      {
        create: review('LocalSubjectAccessReview', (_call, given) =>
          decided(authorizer, subject(spec(given)), spec(given)),
        ),
      },
    ],
    [
      `${group}/selfsubjectrulesreviews/`,
      {
        create: review('SelfSubjectRulesReview', (call, given) => {
          const namespace = given.spec?.namespace ?? '';
          const found = rbac.rulesFor(call.user, namespace);
          const { rules } = found;
          const beyond = unresolved(call.user);
          const errors = [...beyond, ...found.errors];
          return {
            resourceRules: rules
              .filter((rule) => (rule.resources?.length ?? 0) > 0)
              .map(({ verbs, apiGroups, resources, resourceNames }) => ({
                verbs,
                apiGroups,
                resources,
                ...(resourceNames ? { resourceNames } : {}),
              })),
            nonResourceRules: rules
              .filter((rule) => (rule.nonResourceURLs?.length ?? 0) > 0)
              .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
            incomplete: beyond.length > 0,
            ...(errors.length > 0 ? { evaluationError: aggregated(errors) } : {}),
          };
        }),
      },
    ],
  ]);
}
