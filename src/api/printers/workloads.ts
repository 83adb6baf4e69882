import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../gen/apps-v1.ts';
import type { HorizontalPodAutoscaler as HpaV1 } from '../gen/autoscaling-v1.ts';
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricValueStatus } from '../gen/autoscaling-v2.ts';
import type { CronJob, Job } from '../gen/batch-v1.ts';
import type { PodDisruptionBudget } from '../gen/policy-v1.ts';
import {
  age,
  type Clock,
  containerCells,
  humanDuration,
  labelsText,
  limited,
  nameOf,
  none,
  type Printer,
  selectorText,
  since,
  unset,
} from './text.ts';

function deployment(object: Deployment, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    age(object, clock),
    ...containerCells(spec?.template.spec?.containers),
    selectorText(spec?.selector, ''),
  ];
}

function daemonSet(object: DaemonSet, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    labelsText(spec?.template.spec?.nodeSelector),
    age(object, clock),
    ...containerCells(spec?.template.spec?.containers),
    selectorText(spec?.selector),
  ];
}

function replicaSet(object: ReplicaSet, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(object, clock),
    ...containerCells(spec?.template?.spec?.containers),
    selectorText(spec?.selector),
  ];
}

function statefulSet(object: StatefulSet, clock: Clock): unknown[] {
  const { spec, status } = object;
  const ready = `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`;
  return [nameOf(object), ready, age(object, clock), ...containerCells(spec?.template.spec?.containers)];
}

function controllerRevision(object: ControllerRevision, clock: Clock): unknown[] {
  const owner = object.metadata.ownerReferences?.find((r) => r.controller);
  const [version = '', ...rest] = (owner?.apiVersion ?? '').split('/').reverse();
  const group = rest[0] && version ? `.${rest[0]}` : '';
  const controller = owner ? `${owner.kind.toLowerCase()}${group}/${owner.name}` : none;
  return [nameOf(object), controller, object.revision ?? 0, age(object, clock)];
}

const jobStates = ['Complete', 'Failed', 'Terminating', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

function job(object: Job, clock: Clock): unknown[] {
  const { spec, status, metadata } = object;
  const holds = (type: string): boolean =>
    type === 'Terminating'
      ? Boolean(metadata.deletionTimestamp)
      : (status?.conditions ?? []).some((c) => c.type === type && c.status === 'True');
  const parallelism = spec?.parallelism ?? 0;
  const wanted = spec?.completions ?? (parallelism > 1 ? `1 of ${parallelism}` : 1);
  const end = status?.completionTime ? Date.parse(status.completionTime) : clock.now;
  return [
    nameOf(object),
    jobStates.find(holds) ?? 'Running',
    `${status?.succeeded ?? 0}/${wanted}`,
    status?.startTime ? humanDuration(end - Date.parse(status.startTime)) : '',
    age(object, clock),
    ...containerCells(spec?.template.spec?.containers),
    selectorText(spec?.selector),
  ];
}

function cronJob(object: CronJob, clock: Clock): unknown[] {
  const { spec, status } = object;
  const template = spec?.jobTemplate.spec;
  return [
    nameOf(object),
    spec?.schedule ?? '',
    spec?.timeZone ?? none,
    spec?.suspend === undefined ? unset : spec.suspend ? 'True' : 'False',
    status?.active?.length ?? 0,
    status?.lastScheduleTime ? since(status.lastScheduleTime, clock) : none,
    age(object, clock),
    ...containerCells(template?.template.spec?.containers),
    selectorText(template?.selector),
  ];
}

type Current = { current?: MetricValueStatus | undefined } | undefined;

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const missing = '<unknown>';
  switch (spec.type) {
    case 'External':
    case 'Object': {
      const which = spec.type === 'External' ? 'external' : 'object';
      const target = spec[which]?.target;
      const current: Current = status?.[which];
      return target?.averageValue !== undefined
        ? `${current?.current?.averageValue ?? missing}/${target.averageValue} (avg)`
        : `${current ? (current.current?.value ?? '<nil>') : missing}/${target?.value ?? '<nil>'}`;
    }
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? missing}/${spec.pods?.target.averageValue ?? '<nil>'}`;
    case 'Resource':
    case 'ContainerResource': {
      const which = spec.type === 'Resource' ? 'resource' : 'containerResource';
      const { name = '', target = undefined } = spec[which] ?? {};
      const current: Current = status?.[which];
      if (target?.averageValue !== undefined) {
        return `${name}: ${current?.current?.averageValue ?? missing}/${target.averageValue}`;
      }
      const percent = (value: number | undefined, none: string): string => (value === undefined ? none : `${value}%`);
      const now = percent(current?.current?.averageUtilization, missing);
      return `${name}: ${now}/${percent(target?.averageUtilization, '<auto>')}`;
    }
    default:
      return '<unknown type>';
  }
}

function autoscaler(object: HorizontalPodAutoscaler, clock: Clock): unknown[] {
  const { spec, status } = object;
  const metrics = (spec?.metrics ?? []).map((m, i) => metricText(m, status?.currentMetrics?.[i]));
  return [
    nameOf(object),
    `${spec?.scaleTargetRef.kind ?? ''}/${spec?.scaleTargetRef.name ?? ''}`,
    limited(metrics, 2, none, ', '),
    spec?.minReplicas === undefined ? unset : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    age(object, clock),
  ];
}

function autoscalerV1(object: HpaV1, clock: Clock): unknown[] {
  const { spec, status } = object;
  const target = spec?.targetCPUUtilizationPercentage;
  const now = status?.currentCPUUtilizationPercentage;
  return [
    nameOf(object),
    `${spec?.scaleTargetRef.kind ?? ''}/${spec?.scaleTargetRef.name ?? ''}`,
    target === undefined ? none : `cpu: ${now === undefined ? '<unknown>' : `${now}%`}/${target}%`,
    spec?.minReplicas === undefined ? unset : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    age(object, clock),
  ];
}

function disruptionBudget(object: PodDisruptionBudget, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    String(spec?.minAvailable ?? 'N/A'),
    String(spec?.maxUnavailable ?? 'N/A'),
    status?.disruptionsAllowed ?? 0,
    age(object, clock),
  ];
}

export const workloadPrinters: Readonly<Record<string, Printer>> = {
  'apps/controllerrevisions': controllerRevision,
  'apps/daemonsets': daemonSet,
  'apps/deployments': deployment,
  'apps/replicasets': replicaSet,
  'apps/statefulsets': statefulSet,
  'autoscaling/v1/horizontalpodautoscalers': autoscalerV1,
  'autoscaling/horizontalpodautoscalers': autoscaler,
  'batch/cronjobs': cronJob,
  'batch/jobs': job,
  'policy/poddisruptionbudgets': disruptionBudget,
};
