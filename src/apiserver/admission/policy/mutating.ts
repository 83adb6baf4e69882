import { sameValue } from '../../../api/equal.ts';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
} from '../../../api/gen/admissionregistration-v1.ts';
import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import { ApiError, isApiError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import { withDecisions } from '../../authz/authorizer.ts';
import type { AdmissionAttributes, Frozen } from '../../registry/types.ts';
import { type AdmissionPlugin, refuse } from '../plugin.ts';
import { beginRound } from '../rounds.ts';
import { asAsked, asEquivalent, completed } from '../webhook/equivalents.ts';
import { createEvaluation, type Evaluation, namespaceOfRequest } from './evaluation.ts';
import { type Match, resourcesMatch } from './match.ts';
import { mutated } from './mutations.ts';
import { collectParams, paramKindProblem } from './params.ts';
import { policyEnvironment } from './policy-environment.ts';
import { type Bound, boundPolicies, conditionsOf, exempt, namespaceReader, type PolicyOptions } from './source.ts';

type Policy = MutatingAdmissionPolicy;
type Binding = MutatingAdmissionPolicyBinding;

interface Invocation {
  /** Of the policy, the binding and the parameters. */
  readonly id: string;
  /** By which name the policy knows the request's resource. */
  readonly match: Match;
  readonly policy: Policy;
  readonly binding: Binding;
  readonly params: Frozen | null;
}

/** Why a request is denied. */
interface Problem {
  readonly message: string;
  /** What is set up wrongly has none of its own. */
  readonly reason?: 'Invalid';
}

function denied(a: AdmissionAttributes, problems: readonly Problem[]): ApiError {
  const { status } = refuse(a, 'admission request denied by policy');
  const causes: StatusCause[] = problems.map(({ message }) => ({ message }));
  return new ApiError({ ...status, ...problems[0], details: { ...status.details, causes } });
}

/** Of patches, unlike of configurations, nothing is left out. */
const isStrict = ({ patchType }: Mutation): boolean => patchType === 'JSONPatch';

/** MutatingAdmissionPolicies with their bindings. Upstream: `admission/plugin/policy/mutating`. */
export function mutatingPolicies(options: PolicyOptions): AdmissionPlugin {
  const namespaceOf = namespaceReader(options);
  const matching = () => ({ registry: options.context.registry(), namespaceOf });

  /** Applies all mutations of a policy to the request's object. */
  const invoke = async (
    { policy, binding, params, match }: Invocation,
    a: AdmissionAttributes,
    problems: Problem[],
  ): Promise<'no match' | 'same' | 'changed'> => {
    const { spec = {} } = policy;
    const place = namespaceOfRequest(a);
    const namespace = place === '' ? undefined : await namespaceOf(place);
    const fail = (error: unknown): void => {
      if (spec.failurePolicy !== 'Ignore')
        problems.push({
          message: `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${messageOf(error)}`,
          reason: 'Invalid',
        });
    };
    const view = match === 'own' ? a : await asEquivalent(a, match);
    const evaluated = <T>(work: (evaluation: Evaluation) => T): T | Promise<T> =>
      withDecisions(options.authorizer, (authorizer) =>
        work(
          createEvaluation({
            attributes: view,
            namespace,
            params,
            paramKind: spec.paramKind,
            authorizer,
            variables: spec.variables,
            environment: policyEnvironment(spec, true),
          }),
        ),
      );
    const looked = conditionsOf(policy, a, options.metrics);
    try {
      const hold = await evaluated((evaluation) => evaluation.matches(spec.matchConditions));
      looked?.(hold ? 'hold' : 'excluded');
      if (!hold) return 'no match';
    } catch (error) {
      looked?.('failed');
      fail(error);
      return 'no match';
    }
    const before = a.object;
    for (const mutation of spec.mutations ?? []) {
      const { object } = view;
      if (!object) break;
      const began = performance.now();
      let good = false;
      try {
        const made = await evaluated((evaluation) =>
          mutated(options.context.registry(), object, mutation, evaluation, view),
        );
        view.object = completed(options.context.registry(), view, made, isStrict(mutation) ? 'Strict' : 'Ignore');
        good = true;
      } catch (error) {
        // What is no object of its kind any more fails the request, whatever the policy says of failures.
        if (isApiError(error)) throw error;
        fail(error);
      } finally {
        const [name, by] = [policy.metadata.name ?? '', binding.metadata.name ?? ''];
        options.metrics?.mutatingPolicy(name, by, good, performance.now() - began);
      }
    }
    if (match !== 'own' && view.object) a.object = await asAsked(a, match, view.object);
    return sameValue(before, a.object) ? 'same' : 'changed';
  };

  const invocations = async (
    all: readonly Bound<Policy, Binding>[],
    a: AdmissionAttributes,
    problems: Problem[],
  ): Promise<Invocation[]> => {
    const result: Invocation[] = [];
    for (const { policy, bindings } of all) {
      const match = await resourcesMatch(policy.spec?.matchConstraints, a, matching());
      if (!match) continue;
      const problem = paramKindProblem(options.context.registry(), policy.spec?.paramKind);
      if (problem !== undefined) {
        const message = `policy ${JSON.stringify(policy.metadata.name)} denied request: ${problem}`;
        if (policy.spec?.failurePolicy !== 'Ignore') problems.push({ message });
        continue;
      }
      for (const binding of bindings) {
        if (!(await resourcesMatch(binding.spec?.matchResources, a, matching()))) continue;
        try {
          const { paramKind } = policy.spec ?? {};
          const found = await collectParams(options.context.registry(), paramKind, binding.spec?.paramRef, a);
          for (const params of found) {
            const parts = [
              policy.metadata.name,
              binding.metadata.name,
              params?.metadata.namespace,
              params?.metadata.name,
            ];
            result.push({ id: parts.join('/'), match, policy, binding, params });
          }
        } catch (error) {
          if (policy.spec?.failurePolicy !== 'Ignore')
            problems.push({
              message: `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: failed to configure binding: ${messageOf(error)}`,
            });
        }
      }
    }
    return result;
  };

  const mutateAll = async (all: readonly Bound<Policy, Binding>[], a: AdmissionAttributes): Promise<boolean> => {
    const problems: Problem[] = [];
    const round = beginRound('MutatingAdmissionPolicy', a);
    let asked = false;
    for (const invocation of await invocations(all, a, problems)) {
      if (!round.asks(invocation.id)) continue;
      const result = await invoke(invocation, a, problems);
      if (result === 'no match') continue;
      asked = true;
      const wantsMore = invocation.policy.spec?.reinvocationPolicy === 'IfNeeded';
      round.asked(invocation.id, { changed: result === 'changed', wantsMore });
    }
    round.end(asked);
    if (problems.length > 0) throw denied(a, problems);
    return asked;
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
