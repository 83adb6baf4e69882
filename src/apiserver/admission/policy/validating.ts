import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '../../../api/gen/admissionregistration-v1.ts';
import { ApiError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import { withDecisions } from '../../authz/authorizer.ts';
import { newBudget } from '../../cel/cost.ts';
import type { ConditionsOutcome } from '../../metrics/admission.ts';
import type { AdmissionAttributes } from '../../registry/types.ts';
import { type AdmissionPlugin, refuse } from '../plugin.ts';
import { asEquivalent } from '../webhook/equivalents.ts';
import { createEvaluation, type Evaluation, namespaceOfRequest } from './evaluation.ts';
import { resourcesMatch } from './match.ts';
import { collectParams, paramKindProblem } from './params.ts';
import { policyEnvironment } from './policy-environment.ts';
import { type Bound, boundPolicies, conditionsOf, exempt, namespaceReader, type PolicyOptions } from './source.ts';

type Policy = ValidatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding;

interface Denial {
  /** The place among the policy's validations. */
  readonly index: number;
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

/** What one policy says with one set of parameters. */
interface Outcome {
  /** What its bindings say what is to be done about. */
  readonly denials: Denial[];
  /** What stops the request whatever they say. */
  readonly failures: Denial[];
  readonly annotations: (readonly [key: string, value: string])[];
}

const nothing: Outcome = { denials: [], failures: [], annotations: [] };

const longestAnnotation = 10 * 1024;

/** What is to stand in the audit log, beside what cannot be found out. */
function annotationsOf({ spec = {} }: Policy, evaluation: Evaluation): Pick<Outcome, 'failures' | 'annotations'> {
  const failures: Denial[] = [];
  const annotations: Outcome['annotations'] = [];
  const budget = newBudget();
  for (const { key, valueExpression } of spec.auditAnnotations ?? []) {
    try {
      const value = evaluation.evaluate(valueExpression, budget);
      const text = typeof value === 'string' ? value.trim() : '';
      if (text !== '') annotations.push([key, text.slice(0, longestAnnotation)]);
    } catch (error) {
      if (spec.failurePolicy !== 'Ignore') failures.push({ index: 0, message: messageOf(error) });
    }
  }
  return { failures, annotations };
}

/** `looked`: hears what came of the match conditions, once they were looked at. */
function outcomeOf(
  policy: Policy,
  evaluation: Evaluation,
  looked: ((outcome: ConditionsOutcome) => void) | undefined,
): Outcome {
  const { spec = {} } = policy;
  const failed = (error: unknown, index: number): Denial[] =>
    spec.failurePolicy === 'Ignore' ? [] : [{ index, message: messageOf(error) }];
  try {
    const hold = evaluation.matches(spec.matchConditions);
    looked?.(hold ? 'hold' : 'excluded');
    if (!hold) return nothing;
  } catch (error) {
    looked?.('failed');
    return { ...nothing, denials: failed(error, 0) };
  }
  const result: Denial[] = [];
  for (const [index, validation] of (spec.validations ?? []).entries()) {
    try {
      if (evaluation.evaluate(validation.expression) === true) continue;
    } catch (error) {
      result.push(...failed(error, index));
      continue;
    }
    const fixed = validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
    const message = computedMessage(evaluation, validation) || fixed;
    result.push({ index, message, reason: validation.reason || 'Invalid' });
  }
  return { denials: result, ...annotationsOf(policy, evaluation) };
}

/** What is done about a denial, as metrics tell it: the gravest. */
const actionOf = (actions: readonly string[] = []): string =>
  ['Deny', 'Warn', 'Audit'].find((action) => actions.includes(action))?.toLowerCase() ?? 'allow';

/** Tells the audit log what a policy found; the log keeps the first. */
function tellFailure(a: AdmissionAttributes, { spec, metadata }: Binding, { index, message }: Denial): void {
  const failure = {
    message,
    policy: spec?.policyName,
    binding: metadata.name,
    expressionIndex: index,
    validationActions: spec?.validationActions,
  };
  a.context.annotate?.('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]));
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
  const ask = async (
    policy: Policy,
    binding: Binding,
    {
      attributes: a,
      as,
      annotate,
    }: {
      attributes: AdmissionAttributes;
      /** The request by the name by which the policy knows it. */
      as: AdmissionAttributes;
      annotate: (key: string, value: string) => void;
    },
  ): Promise<Denial[]> => {
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
      return [{ index: 0, message: `${by} denied request: failed to configure binding: ${messageOf(error)}` }];
    }
    const place = namespaceOfRequest(a);
    const namespace = place === '' ? undefined : await namespaceOf(place);
    const against: Denial[] = [];
    for (const param of params) {
      const began = performance.now();
      const found = await withDecisions(options.authorizer, (authorizer) =>
        outcomeOf(
          policy,
          createEvaluation({
            attributes: as,
            namespace,
            params: param,
            paramKind: spec.paramKind,
            authorizer,
            variables: spec.variables,
            environment: policyEnvironment(spec, false),
          }),
          conditionsOf(policy, a, options.metrics),
        ),
      );
      const action = found.denials.length === 0 ? 'allow' : actionOf(binding.spec?.validationActions);
      const ms = performance.now() - began;
      options.metrics?.policy(policy.metadata.name ?? '', binding.metadata.name ?? '', action, ms);
      const refused = (denial: Denial): Denial => ({ ...denial, message: `${by} denied request: ${denial.message}` });
      for (const denial of found.denials)
        for (const action of binding.spec?.validationActions ?? []) {
          if (action === 'Deny') against.push(refused(denial));
          if (action === 'Warn') a.context.warn(`Validation failed for ${by}: ${denial.message}`);
          if (action === 'Audit') tellFailure(a, binding, denial);
        }
      against.push(...found.failures.map(refused));
      for (const [key, value] of found.annotations) annotate(key, value);
    }
    return against;
  };

  const askAll = async (all: readonly Bound<Policy, Binding>[], a: AdmissionAttributes): Promise<void> => {
    const against: Denial[] = [];
    for (const { policy, bindings } of all) {
      const matching = { registry: options.context.registry(), namespaceOf };
      const match = await resourcesMatch(policy.spec?.matchConstraints, a, matching);
      if (!match) continue;
      const problem = paramKindProblem(matching.registry, policy.spec?.paramKind);
      if (problem !== undefined) {
        const message = `ValidatingAdmissionPolicy '${policy.metadata.name}' denied request: ${problem}`;
        if (policy.spec?.failurePolicy !== 'Ignore') against.push({ index: 0, message });
        continue;
      }
      const annotations = new Map<string, Set<string>>();
      const annotate = (key: string, value: string): void => {
        annotations.set(key, (annotations.get(key) ?? new Set()).add(value));
      };
      const as = match === 'own' ? a : await asEquivalent(a, match);
      for (const binding of bindings) against.push(...(await ask(policy, binding, { attributes: a, as, annotate })));
      for (const [key, values] of annotations)
        a.context.annotate?.(`${policy.metadata.name}/${key}`, [...values].join(', '));
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
