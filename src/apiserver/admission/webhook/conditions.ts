import { type Authorizer, withDecisions } from '../../authz/authorizer.ts';
import { admissionEnvironment } from '../../cel/admission-environment.ts';
import type { AdmissionAttributes } from '../../registry/types.ts';
import { createEvaluation } from '../policy/evaluation.ts';
import type { Webhook } from './match.ts';

/** Whether all of a webhook's conditions hold. Throws when one cannot be evaluated and none is false. */
export function conditionsHold(
  { matchConditions = [] }: Webhook,
  attributes: AdmissionAttributes,
  authorizer: Authorizer,
): boolean | Promise<boolean> {
  if (matchConditions.length === 0) return true;
  return withDecisions(authorizer, (settled) =>
    createEvaluation({
      attributes,
      namespace: undefined,
      params: null,
      paramKind: undefined,
      authorizer: settled,
      variables: undefined,
      environment: admissionEnvironment({ authorizer: true }),
    }).matches(matchConditions),
  );
}
