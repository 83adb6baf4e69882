import type { Job, PodFailurePolicyRule } from '../../api/gen/batch-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { parseIndexes } from './indexes.ts';

export type FailureVerdict = { action: 'Count' | 'Ignore' | 'FailIndex' } | { action: 'FailJob'; message: string };

function byExitCode(rule: PodFailurePolicyRule, index: number, pod: Pod): string | undefined {
  const wanted = rule.onExitCodes;
  if (!wanted) return undefined;
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  for (const { name, state } of all) {
    const code = state?.terminated?.exitCode;
    if (code === undefined || code === 0) continue;
    if (wanted.containerName && wanted.containerName !== name) continue;
    const listed = wanted.values.includes(code);
    if (listed !== (wanted.operator === 'In')) continue;
    const { namespace, name: podName } = pod.metadata;
    return `Container ${name} for pod ${namespace}/${podName} failed with exit code ${code} matching ${rule.action} rule at index ${index}`;
  }
  return undefined;
}

function byCondition(rule: PodFailurePolicyRule, index: number, pod: Pod): string | undefined {
  for (const { type, status } of rule.onPodConditions ?? []) {
    const found = pod.status?.conditions?.find((c) => c.type === type && c.status === (status ?? 'True'));
    if (!found) continue;
    const { namespace, name } = pod.metadata;
    return `Pod ${namespace}/${name} has condition ${type} matching ${rule.action} rule at index ${index}`;
  }
  return undefined;
}

/** What the job's pod failure policy says of a failed pod. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const message = byExitCode(rule, index, pod) ?? byCondition(rule, index, pod);
    if (message === undefined) continue;
    if (rule.action === 'FailJob') return { action: 'FailJob', message };
    if (rule.action === 'Ignore' || rule.action === 'FailIndex') return { action: rule.action };
    return { action: 'Count' };
  }
  return { action: 'Count' };
}

/** The message when the job's success policy is met. */
export function successPolicyMet(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  for (const [i, rule] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const among = rule.succeededIndexes
      ? [...parseIndexes(rule.succeededIndexes, job.spec?.completions ?? 0)]
      : [...succeeded];
    const have = among.filter((index) => succeeded.has(index)).length;
    const need = rule.succeededCount ?? among.length;
    if (have >= need) return `Matched rules at index ${i}`;
  }
  return undefined;
}
