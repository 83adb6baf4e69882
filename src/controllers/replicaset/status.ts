import type { ReplicaSetCondition, ReplicaSetStatus } from '../../api/gen/apps-v1.ts';
import type { Pod, PodTemplateSpec } from '../../api/gen/core-v1.ts';
import { findCondition, withCondition, withoutCondition } from '../runtime/conditions.ts';
import { isAvailable, isReady } from '../runtime/pods.ts';

export interface StatusInput {
  old: ReplicaSetStatus | undefined;
  generation: number | undefined;
  replicas: number;
  minReadySeconds: number;
  template: PodTemplateSpec | undefined;
  active: readonly Pod[];
  /** Undefined where the kind does not report it. */
  terminating: number | undefined;
  failure: string | undefined;
  now: number;
}

/** A replica set's (or replication controller's) status as its pods make it. */
export function replicasStatus(input: StatusInput): ReplicaSetStatus {
  const { active, old, now } = input;
  const labels = Object.entries(input.template?.metadata?.labels ?? {});
  const fullyLabeled = active.filter((p) => labels.every(([k, v]) => p.metadata.labels?.[k] === v)).length;
  const ready = active.filter(isReady);
  let conditions = old?.conditions;
  const known = findCondition<ReplicaSetCondition>(conditions, 'ReplicaFailure');
  if (input.failure !== undefined && !known) {
    const reason = active.length < input.replicas ? 'FailedCreate' : 'FailedDelete';
    const condition = { type: 'ReplicaFailure', status: 'True', reason, message: input.failure };
    conditions = withCondition<ReplicaSetCondition>(conditions, condition, now);
  } else if (input.failure === undefined && known) {
    conditions = withoutCondition(conditions, 'ReplicaFailure');
  }
  return {
    ...old,
    replicas: active.length,
    fullyLabeledReplicas: fullyLabeled,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((p) => isAvailable(p, input.minReadySeconds, now)).length,
    ...(input.terminating === undefined ? {} : { terminatingReplicas: input.terminating }),
    observedGeneration: input.generation,
    conditions: conditions?.length === 0 ? undefined : conditions,
  };
}
