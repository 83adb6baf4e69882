import { type Authorizer, type SettledAuthorizer, withDecisions } from '../authz/authorizer.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { admissionEnvironment } from './admission-environment.ts';
import { matchConditionsCost, newBudget } from './cost.ts';
import { compileExpression } from './expression.ts';
import { AuthorizerValue, ResourceCheck } from './library/authorizer.ts';

interface MatchCondition {
  readonly name?: string | undefined;
  readonly expression?: string | undefined;
}

/** What expressions see of a request, as upstream's `request` variable. */
export function requestValue(a: AdmissionAttributes): object {
  const { user } = a.context;
  const resourceOf = ({ group, version, resource }: AdmissionAttributes) => ({ group, version, resource });
  const asked = a.asked ?? a;
  return {
    kind: a.kind,
    resource: resourceOf(a),
    subResource: a.subresource ?? '',
    requestKind: asked.kind,
    requestResource: resourceOf(asked),
    requestSubResource: a.subresource ?? '',
    name: a.name || a.object?.metadata.name || '',
    namespace: a.namespace,
    operation: a.operation,
    userInfo: { username: user.name, uid: user.uid ?? '', groups: user.groups, extra: user.extra ?? {} },
    dryRun: a.context.dryRun,
    options: a.options,
  };
}

export const admissionValues = (a: AdmissionAttributes, authorizer: SettledAuthorizer): Record<string, unknown> => ({
  object: a.object ?? null,
  oldObject: a.oldObject ?? null,
  request: requestValue(a),
  namespaceObject: null,
  ...authorizerValues(a, authorizer),
});

/** `authorizer`, and `authorizer.requestResource`, which is about what the request is about. */
export function authorizerValues(a: AdmissionAttributes, authorizer: SettledAuthorizer): Record<string, unknown> {
  const value = new AuthorizerValue(authorizer, a.context.user);
  const { group, version, resource, subresource = '', namespace, name } = a.asked ?? a;
  const asked = new ResourceCheck(value, { group, version, resource, subresource, namespace, name });
  return { authorizer: value, 'authorizer.requestResource': asked };
}

/** Whether all conditions hold. Throws when one cannot be evaluated and none is false. */
export function conditionsHold(
  conditions: readonly MatchCondition[] | undefined,
  a: AdmissionAttributes,
  authorizer: Authorizer,
): boolean | Promise<boolean> {
  if (!conditions || conditions.length === 0) return true;
  return withDecisions(authorizer, (settled) => allHold(conditions, a, settled));
}

function allHold(
  conditions: readonly MatchCondition[],
  a: AdmissionAttributes,
  authorizer: SettledAuthorizer,
): boolean {
  const values = admissionValues(a, authorizer);
  const environment = admissionEnvironment({ authorizer: true });
  const budget = newBudget(matchConditionsCost);
  let failure: unknown;
  for (const { name, expression = '' } of conditions) {
    try {
      if (compileExpression(expression, environment)(values, budget) !== true) return false;
    } catch (error) {
      failure ??= new Error(`match condition "${name ?? ''}" cannot be evaluated: ${(error as Error).message}`);
    }
  }
  if (failure) throw failure;
  return true;
}
