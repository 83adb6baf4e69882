import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../api/gen/admissionregistration-v1.ts';
import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import { ApiError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import { withDecisions } from '../../authz/authorizer.ts';
import type { AdmissionAttributes, Draft, Frozen } from '../../registry/types.ts';
import { type AdmissionPlugin, refuse } from '../plugin.ts';
import { createEvaluation, type Evaluation, namespaceOfRequest } from './evaluation.ts';
import { resourcesMatch } from './match.ts';
import { mutated } from './mutations.ts';
import { collectParams } from './params.ts';
import { policyEnvironment } from './policy-environment.ts';
import { type Bound, boundPolicies, exempt, namespaceReader, type PolicyOptions } from './source.ts';

type Policy = MutatingAdmissionPolicy;
type Binding = MutatingAdmissionPolicyBinding;

interface Invocation {
  readonly policy: Policy;
  readonly binding: Binding;
  readonly params: Frozen | null;
}

function denied(a: AdmissionAttributes, problems: readonly string[]): ApiError {
  const { status } = refuse(a, 'admission request denied by policy');
  const causes: StatusCause[] = problems.map((message) => ({ message }));
  const message = problems[0] ?? '';
  return new ApiError({ ...status, message, reason: 'Invalid', details: { ...status.details, causes } });
}

/** MutatingAdmissionPolicies with their bindings. Upstream: `admission/plugin/policy/mutating`. */
export function mutatingPolicies(options: PolicyOptions): AdmissionPlugin {
  const namespaceOf = namespaceReader(options);
  const matching = () => ({ registry: options.context.registry(), namespaceOf });

  /** Applies all mutations of a policy to the request's object; true when anything changed. */
  const invoke = async (
    { policy, binding, params }: Invocation,
    a: AdmissionAttributes,
    problems: string[],
  ): Promise<boolean> => {
    const { spec = {} } = policy;
    const place = namespaceOfRequest(a);
    const namespace = place === '' ? undefined : await namespaceOf(place);
    const fail = (error: unknown): void => {
      if (spec.failurePolicy !== 'Ignore')
        problems.push(
          `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${messageOf(error)}`,
        );
    };
    const evaluated = <T>(work: (evaluation: Evaluation) => T): T | Promise<T> =>
      withDecisions(options.authorizer, (authorizer) =>
        work(
          createEvaluation({
            attributes: a,
            namespace,
            params,
            paramKind: spec.paramKind,
            authorizer,
            variables: spec.variables,
            environment: policyEnvironment(spec, true),
          }),
        ),
      );
    try {
      if (!(await evaluated((evaluation) => evaluation.matches(spec.matchConditions)))) return false;
    } catch (error) {
      fail(error);
      return false;
    }
    const before = JSON.stringify(a.object);
    for (const mutation of spec.mutations ?? []) {
      const { object } = a;
      if (!object) break;
      try {
        a.object = await evaluated((evaluation) =>
          mutated(options.context.registry(), object as Draft, mutation, evaluation, a),
        );
      } catch (error) {
        fail(error);
      }
    }
    return JSON.stringify(a.object) !== before;
  };

  const invocations = async (
    all: readonly Bound<Policy, Binding>[],
    a: AdmissionAttributes,
    problems: string[],
  ): Promise<Invocation[]> => {
    const result: Invocation[] = [];
    for (const { policy, bindings } of all) {
      if (!(await resourcesMatch(policy.spec?.matchConstraints, a, matching()))) continue;
      for (const binding of bindings) {
        if (!(await resourcesMatch(binding.spec?.matchResources, a, matching()))) continue;
        try {
          const { paramKind } = policy.spec ?? {};
          const found = await collectParams(options.context.registry(), paramKind, binding.spec?.paramRef, a);
          for (const params of found) result.push({ policy, binding, params });
        } catch (error) {
          if (policy.spec?.failurePolicy !== 'Ignore')
            problems.push(
              `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${messageOf(error)}`,
            );
        }
      }
    }
    return result;
  };

  const mutateAll = async (all: readonly Bound<Policy, Binding>[], a: AdmissionAttributes): Promise<boolean> => {
    const problems: string[] = [];
    let changed = false;
    const again = new Set<Invocation>();
    const asked: Invocation[] = [];
    for (const invocation of await invocations(all, a, problems)) {
      if (await invoke(invocation, a, problems)) {
        changed = true;
        // Those that want to see the outcome of others are asked once more.
        for (const other of asked) if (other.policy.spec?.reinvocationPolicy === 'IfNeeded') again.add(other);
      }
      asked.push(invocation);
    }
    for (const invocation of again) if (await invoke(invocation, a, problems)) changed = true;
    if (problems.length > 0) throw denied(a, problems);
    return changed;
  };

  return {
    name: 'MutatingAdmissionPolicy',
    operations: ['CREATE', 'UPDATE', 'CONNECT'],
    mutate(a) {
      if (exempt(a) || !a.object) return false;
      const found = boundPolicies<Policy, Binding>(options, {
        policies: 'mutatingadmissionpolicies',
        bindings: 'mutatingadmissionpolicybindings',
      });
      return found ? Promise.resolve(found).then((all) => mutateAll(all, a)) : false;
    },
  };
}
