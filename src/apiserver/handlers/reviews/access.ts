import type { SubjectAccessReviewSpec } from '../../../api/gen/authorization-v1.ts';
import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import { badRequest, invalid } from '../../../api/status.ts';
import type { Attributes, Authorizer } from '../../authz/authorizer.ts';
import type { RbacAuthorizer } from '../../authz/rbac.ts';
import type { UserInfo } from '../../server.ts';
import { readObject } from '../body.ts';
import type { Answer, Call, StoreHandler } from '../call.ts';
import type { SpecialHandlers } from '../route.ts';
import { expectedKind } from '../write.ts';

const group = 'authorization.k8s.io';

type Review = {
  metadata: { namespace?: string };
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
    fieldSelector: r?.fieldSelector?.rawSelector,
    labelSelector: r?.labelSelector?.rawSelector,
  };
}

function check(spec: SubjectAccessReviewSpec | undefined, needsUser: boolean): void {
  const causes: StatusCause[] = [];
  const has = [spec?.resourceAttributes, spec?.nonResourceAttributes].filter((a) => a !== undefined).length;
  if (has === 2)
    causes.push({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "nonResourceAttributes": cannot be specified in combination with resourceAttributes',
      field: 'spec.nonResourceAttributes',
    });
  if (has === 0)
    causes.push({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
      field: 'spec.resourceAttributes',
    });
  if (needsUser && !spec?.user && (spec?.groups?.length ?? 0) === 0)
    causes.push({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "": at least one of user or group must be specified',
      field: 'spec.user',
    });
  // Upstream names the group alone.
  if (causes.length === 0) return;
  const error = invalid({ group, kind: '' }, '', causes);
  delete error.status.details?.kind;
  throw error;
}

async function decided(authorizer: Authorizer, user: UserInfo, spec: SubjectAccessReviewSpec): Promise<object> {
  const { allowed, denied, reason, error } = await authorizer.authorize(user, attributesOfSpec(spec));
  return {
    allowed,
    ...(denied ? { denied } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(error === undefined ? {} : { evaluationError: error }),
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
  unresolved: () => readonly string[],
): ReadonlyMap<string, SpecialHandlers> {
  const review =
    (kind: string, answer: (call: Call, review: Review) => object | Promise<object>): StoreHandler =>
    async (call, store) => {
      const object = await readObject(call, expectedKind(store, ''));
      const given = object as unknown as Review;
      if (kind !== 'SelfSubjectRulesReview')
        check(given.spec, kind === 'SubjectAccessReview' || kind === 'LocalSubjectAccessReview');
      const status = await answer(call, given);
      return created(kind === 'SelfSubjectRulesReview' ? { ...object, spec: {}, status } : { ...object, status });
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
        create: review('LocalSubjectAccessReview', (call, given) => {
          const namespace = call.info.namespace;
          if (spec(given).resourceAttributes?.namespace !== namespace)
            throw badRequest(
              `spec.resourceAttributes.namespace must match namespace: ${namespace}, got ${spec(given).resourceAttributes?.namespace ?? ''}`,
            );
          return decided(authorizer, subject(spec(given)), spec(given));
        }),
      },
    ],
    [
      `${group}/selfsubjectrulesreviews/`,
      {
        create: review('SelfSubjectRulesReview', (call, given) => {
          const namespace = given.spec?.namespace ?? '';
          if (namespace === '') throw badRequest('no namespace on request');
          const found = rbac.rulesFor(call.user, namespace);
          const { rules } = found;
          const beyond = unresolved();
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
            incomplete: beyond.length > 0 || call.user.groups.includes('system:nodes'),
            ...(errors.length > 0 ? { evaluationError: errors.join(', ') } : {}),
          };
        }),
      },
    ],
  ]);
}
