import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionMetrics, ConditionsOutcome } from '../../metrics/admission.ts';
import { lookUp } from '../../registry/look-up.ts';
import type { AdmissionAttributes, Frozen, Maybe, Stored } from '../../registry/types.ts';
import type { AdmissionContext } from '../plugin.ts';

/** Begins to measure the match conditions of a policy; nothing where it has none. */
export const conditionsOf = (
  { metadata, spec }: Named & { spec?: { matchConditions?: readonly unknown[] | undefined } | undefined },
  { operation }: AdmissionAttributes,
  metrics: AdmissionMetrics | undefined,
): ((outcome: ConditionsOutcome) => void) | undefined =>
  spec?.matchConditions?.length
    ? metrics?.conditions({ kind: 'policy', name: metadata.name ?? '', type: 'validate' }, operation)
    : undefined;

export interface PolicyOptions {
  context: AdmissionContext;
  authorizer: Authorizer;
  metrics?: AdmissionMetrics | undefined;
}

export const group = 'admissionregistration.k8s.io';

/** Policies are never asked about what decides about policies: a bad one could not be taken away. */
export const exempt = (a: AdmissionAttributes): boolean =>
  a.group === group && !a.resource.endsWith('webhookconfigurations') ? true : isReview(a);

const isReview = (a: AdmissionAttributes): boolean =>
  a.group === 'authentication.k8s.io' || (a.group === 'authorization.k8s.io' && a.resource.endsWith('reviews'));

export interface Bound<Policy, Binding> {
  readonly policy: Policy;
  readonly bindings: readonly Binding[];
}

type Named = { metadata: { name?: string | undefined } };
type OfPolicy = { metadata: { name?: string | undefined }; spec?: { policyName?: string | undefined } | undefined };

/** The policies that have bindings, in the order of their names; undefined, at once, where there are none. */
export function boundPolicies<Policy extends Named, Binding extends OfPolicy>(
  { context }: PolicyOptions,
  resources: { policies: string; bindings: string },
): Maybe<readonly Bound<Policy, Binding>[]> | undefined {
  const policies = context.registry().store(group, resources.policies).list({});
  if (!(policies instanceof Promise) && policies.items.length === 0) return undefined;
  const bindings = context.registry().store(group, resources.bindings).list({});
  if (policies instanceof Promise || bindings instanceof Promise)
    return Promise.all([policies, bindings]).then(([p, b]) => together<Policy, Binding>(p.items, b.items));
  return bindings.items.length === 0 ? undefined : together<Policy, Binding>(policies.items, bindings.items);
}

function together<Policy extends Named, Binding extends OfPolicy>(
  policies: readonly Stored[],
  bindings: readonly Stored[],
): readonly Bound<Policy, Binding>[] {
  const all = bindings.map((stored) => stored.object as unknown as Binding);
  return policies
    .map((stored) => stored.object as unknown as Policy)
    .map((policy) => ({ policy, bindings: all.filter((b) => b.spec?.policyName === policy.metadata.name) }))
    .filter((bound) => bound.bindings.length > 0)
    .sort((a, b) => ((a.policy.metadata.name ?? '') < (b.policy.metadata.name ?? '') ? -1 : 1));
}

export const namespaceReader =
  ({ context }: PolicyOptions) =>
  (name: string): Promise<Frozen | undefined> =>
    lookUp(context.registry(), { group: '', resource: 'namespaces' }, { name });
