import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '../../../api/gen/admissionregistration-v1.ts';
import { ApiError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import { withDecisions } from '../../authz/authorizer.ts';
import type { AdmissionAttributes } from '../../registry/types.ts';
import { type AdmissionPlugin, refuse } from '../plugin.ts';
import { createEvaluation, type Evaluation, namespaceOfRequest } from './evaluation.ts';
import { resourcesMatch } from './match.ts';
import { collectParams } from './params.ts';
import { policyEnvironment } from './policy-environment.ts';
import { type Bound, boundPolicies, exempt, namespaceReader, type PolicyOptions } from './source.ts';

type Policy = ValidatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding;

interface Denial {
  readonly message: string;
  readonly reason?: string | undefined;
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

const longestMessage = 5 * 1024;

/** Texts of an expression that are empty, too long or of several lines give way to the fixed ones. */
function computedMessage(evaluation: Evaluation, { messageExpression }: Validation): string {
  if (!messageExpression) return '';
  try {
    const value = evaluation.evaluate(messageExpression);
    const text = typeof value === 'string' ? value.trim() : '';
    return text.length > longestMessage || text.includes('\n') ? '' : text;
  } catch {
    return '';
  }
}

/** The denials of one policy with one set of parameters. */
function denials({ spec = {} }: Policy, evaluation: Evaluation): Denial[] {
  const failed = (error: unknown): Denial[] => (spec.failurePolicy === 'Ignore' ? [] : [{ message: messageOf(error) }]);
  try {
    if (!evaluation.matches(spec.matchConditions)) return [];
  } catch (error) {
    return failed(error);
  }
  const result: Denial[] = [];
  for (const validation of spec.validations ?? []) {
    try {
      if (evaluation.evaluate(validation.expression) === true) continue;
    } catch (error) {
      result.push(...failed(error));
      continue;
    }
    const fixed = validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
    result.push({ message: computedMessage(evaluation, validation) || fixed, reason: validation.reason || 'Invalid' });
  }
  for (const { valueExpression } of spec.auditAnnotations ?? []) {
    try {
      evaluation.evaluate(valueExpression);
    } catch (error) {
      result.push(...failed(error));
    }
  }
  return result;
}

function denied(a: AdmissionAttributes, { message, reason = 'Invalid' }: Denial): ApiError {
  const { status } = refuse(a, message);
  const causes = [...(status.details?.causes ?? []), { message }];
  return new ApiError({ ...status, reason, code: codes[reason] ?? 422, details: { ...status.details, causes } });
}

/** ValidatingAdmissionPolicies with their bindings. Upstream: `admission/plugin/policy/validating`. */
export function validatingPolicies(options: PolicyOptions): AdmissionPlugin {
  const namespaceOf = namespaceReader(options);

  /** What a binding's policy has against the request, by what the binding says is to be done about it. */
  const ask = async (policy: Policy, binding: Binding, a: AdmissionAttributes): Promise<Denial[]> => {
    const registry = options.context.registry();
    const { spec = {} } = policy;
    const by = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    const matching = { registry, namespaceOf };
    if (!(await resourcesMatch(binding.spec?.matchResources, a, matching))) return [];
    let params: Awaited<ReturnType<typeof collectParams>>;
    try {
      params = await collectParams(registry, spec.paramKind, binding.spec?.paramRef, a);
    } catch (error) {
      if (spec.failurePolicy === 'Ignore') return [];
      return [{ message: `${by} denied request: failed to configure binding: ${messageOf(error)}` }];
    }
    const place = namespaceOfRequest(a);
    const namespace = place === '' ? undefined : await namespaceOf(place);
    const against: Denial[] = [];
    for (const param of params) {
      const found = await withDecisions(options.authorizer, (authorizer) =>
        denials(
          policy,
          createEvaluation({
            attributes: a,
            namespace,
            params: param,
            paramKind: spec.paramKind,
            authorizer,
            variables: spec.variables,
            environment: policyEnvironment(spec, false),
          }),
        ),
      );
      for (const { message, reason } of found)
        for (const action of binding.spec?.validationActions ?? []) {
          if (action === 'Deny') against.push({ message: `${by} denied request: ${message}`, reason });
          if (action === 'Warn') a.context.warn(`Validation failed for ${by}: ${message}`);
        }
    }
    return against;
  };

  const askAll = async (all: readonly Bound<Policy, Binding>[], a: AdmissionAttributes): Promise<void> => {
    const against: Denial[] = [];
    for (const { policy, bindings } of all) {
      const matching = { registry: options.context.registry(), namespaceOf };
      if (!(await resourcesMatch(policy.spec?.matchConstraints, a, matching))) continue;
      for (const binding of bindings) against.push(...(await ask(policy, binding, a)));
    }
    const [first] = against;
    if (first) throw denied(a, first);
  };

  return {
    name: 'ValidatingAdmissionPolicy',
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    validate(a) {
      if (exempt(a)) return undefined;
      const found = boundPolicies<Policy, Binding>(options, {
        policies: 'validatingadmissionpolicies',
        bindings: 'validatingadmissionpolicybindings',
      });
      return found && Promise.resolve(found).then((all) => askAll(all, a));
    },
  };
}
