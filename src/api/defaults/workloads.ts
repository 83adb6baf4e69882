import { wasEmpty } from '../canonical.ts';
import type { DaemonSet, Deployment, StatefulSet } from '../gen/apps-v1.ts';
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../gen/autoscaling-v2.ts';
import type { Job } from '../gen/batch-v1.ts';
import { absent, inPackage, type Rules, zero } from './rule.ts';

function deployment({ spec }: Deployment): void {
  if (!spec) return;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  const strategy = spec.strategy;
  strategy.type ??= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= '25%';
    strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}

function daemonSet({ spec }: DaemonSet): void {
  if (!spec) return;
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  strategy.type ??= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= 1;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
}

function statefulSet({ spec }: StatefulSet): void {
  if (!spec) return;
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1';
    claim.kind = 'PersistentVolumeClaim';
  }
  spec.podManagementPolicy ??= 'OrderedReady';
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  if (strategy.type === undefined) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) {
    strategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  retention.whenDeleted ??= 'Retain';
  retention.whenScaled ??= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
}

function job(value: Job): void {
  const { spec, metadata } = value;
  if (!spec) return;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  const labels = spec.template.metadata?.labels;
  // One object for both: what is generated into the template's is the job's too, as upstream.
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
}

const scaleUp = (): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
});
const scaleDown = (): HPAScalingRules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
});

/** An empty list of policies is a mistake, and not filled. */
const scaling = (standard: HPAScalingRules, given: HPAScalingRules | undefined): HPAScalingRules => ({
  ...standard,
  ...(wasEmpty(given, 'policies') ? { policies: [] } : {}),
  ...given,
});

function horizontalPodAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  spec.metrics ??= [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
  ];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = scaling(scaleUp(), spec.behavior.scaleUp);
  spec.behavior.scaleDown = scaling(scaleDown(), spec.behavior.scaleDown);
}

export const workloadRules: Rules = {
  ...inPackage('io.k8s.api.apps.v1', {
    Deployment: deployment,
    DaemonSet: daemonSet,
    StatefulSet: statefulSet,
    ReplicaSetSpec: absent({ replicas: 1 }),
  }),
  ...inPackage('io.k8s.api.batch.v1', {
    Job: job,
    CronJobSpec: absent({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    }),
    PodFailurePolicyOnPodConditionsPattern: zero({ status: 'True' }),
  }),
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec': absent({ minReplicas: 1 }),
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler': horizontalPodAutoscaler,
};
