import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type {
  ControllerRevision,
  DaemonSet,
  DaemonSetSpec,
  Deployment,
  DeploymentSpec,
  ReplicaSet,
  ReplicaSetSpec,
  StatefulSet,
  StatefulSetSpec,
} from '../gen/apps-v1.ts';
import type { PodTemplate, PodTemplateSpec, ReplicationController } from '../gen/core-v1.ts';
import type { LabelSelector } from '../gen/meta-v1.ts';
import { type IntOrString, percentOf } from '../int-or-string.ts';
import { isDns1123Label, isPercent } from '../names.ts';
import { mapSelectorMatches } from '../selectors.ts';
import { isEmptySelector, validateLabels, validateSelector } from './metadata.ts';
import { validatePodTemplate } from './pod.ts';
import type { Problems } from './problems.ts';
import { isUsable, leavesOut } from './selectors.ts';
import { validateClaimSpec } from './volumes.ts';

export function validateIntOrPercent(p: Problems, path: string, value: IntOrString): void {
  if (typeof value === 'number') p.nonNegative(path, value);
  else p.all(path, value, isPercent(value));
}

function notMoreThanAll(p: Problems, path: string, value: IntOrString): void {
  if ((percentOf(value) ?? 0) > 100) p.invalid(path, value, 'must not be greater than 100%');
}

const amount = (value: IntOrString): number => (typeof value === 'number' ? value : (percentOf(value) ?? 0));

/** A template of which the pods are restarted for ever. */
function validateServingTemplate(p: Problems, path: string, template: PodTemplateSpec, kind: string): void {
  validatePodTemplate(p, path, template);
  validateServing(p, path, template, kind);
}

function validateServing(p: Problems, path: string, template: PodTemplateSpec, kind: string): void {
  const policy = template.spec?.restartPolicy ?? '';
  if (policy !== 'Always') p.unsupported(`${path}.spec.restartPolicy`, policy, ['Always']);
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    p.forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`);
  }
}

/** A template's labels as messages show them. */
const shownLabels = ({ metadata }: PodTemplateSpec): object | null =>
  metadata?.labels ?? (wasEmpty(metadata, 'labels') ? {} : null);

const mismatch = '`selector` does not match template `labels`';

function validateSetSelector(p: Problems, selector: LabelSelector | undefined, kind: string): void {
  if (!selector) {
    p.required('spec.selector');
    return;
  }
  validateSelector(p, selector, 'spec.selector');
  if (isEmptySelector(selector)) p.invalid('spec.selector', selector, `empty selector is invalid for ${kind}`);
}

function validateSetTemplate(p: Problems, spec: DeploymentSpec | ReplicaSetSpec): void {
  const template = spec.template ?? {};
  if (!isUsable(spec.selector)) {
    p.invalid('spec.selector', spec.selector, 'invalid label selector');
    return;
  }
  if (leavesOut(spec.selector, template.metadata?.labels)) {
    p.invalid('spec.template.metadata.labels', shownLabels(template), mismatch);
  }
  validateServingTemplate(p, 'spec.template', template, 'ReplicaSet');
}

function validateDeploymentSpec(p: Problems, spec: DeploymentSpec): void {
  p.nonNegative('spec.replicas', spec.replicas);
  validateSetSelector(p, spec.selector, 'deployment');
  validateSetTemplate(p, spec);
  const strategy = spec.strategy ?? {};
  const rolling = strategy.rollingUpdate;
  if (strategy.type === 'Recreate') {
    if (rolling) {
      p.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type === 'RollingUpdate') {
    const at = 'spec.strategy.rollingUpdate';
    const unavailable = rolling?.maxUnavailable ?? 0;
    const surge = rolling?.maxSurge ?? 0;
    validateIntOrPercent(p, `${at}.maxUnavailable`, unavailable);
    validateIntOrPercent(p, `${at}.maxSurge`, surge);
    if (amount(unavailable) === 0 && amount(surge) === 0) {
      p.invalid(`${at}.maxUnavailable`, unavailable, 'may not be 0 when `maxSurge` is 0');
    }
    notMoreThanAll(p, `${at}.maxUnavailable`, unavailable);
  } else {
    const { maxUnavailable = 0, maxSurge = 0 } = rolling ?? {};
    const inner = rolling ? { MaxUnavailable: maxUnavailable, MaxSurge: maxSurge } : null;
    const shown = { Type: strategy.type ?? '', RollingUpdate: inner };
    p.unsupported('spec.strategy', shown, ['Recreate', 'RollingUpdate']);
  }
  p.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  p.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  const deadline = spec.progressDeadlineSeconds;
  p.nonNegative('spec.progressDeadlineSeconds', deadline);
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    p.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
  }
}

/** From before there were revisions. */
const rollback = 'deprecated.deployment.rollback.to';

export function validateDeployment(p: Problems, { metadata, spec }: Deployment, old?: Deployment): void {
  if (spec) validateDeploymentSpec(p, spec);
  p.nonNegative('spec.rollback.version', Number(metadata.annotations?.[rollback] ?? 0));
  if (old) p.immutable('spec.selector', spec?.selector, sameValue(spec?.selector, old.spec?.selector));
}

export function validateReplicaSet(p: Problems, { spec }: ReplicaSet, old?: ReplicaSet): void {
  if (!spec) return;
  p.nonNegative('spec.replicas', spec.replicas);
  p.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  validateSetSelector(p, spec.selector, 'deployment');
  validateSetTemplate(p, spec);
  if (old) p.immutable('spec.selector', spec.selector, sameValue(spec.selector, old.spec?.selector));
}

function validateDaemonSetSpec(p: Problems, spec: DaemonSetSpec): void {
  validateSelector(p, spec.selector, 'spec.selector');
  if (leavesOut(spec.selector, spec.template.metadata?.labels)) {
    p.invalid('spec.template.metadata.labels', shownLabels(spec.template), mismatch);
  }
  if (spec.selector && isEmptySelector(spec.selector)) {
    p.invalid('spec.selector', spec.selector, 'empty selector is invalid for daemonset');
  }
  validateServingTemplate(p, 'spec.template', spec.template, 'DaemonSet');
  p.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  const { type, rollingUpdate: rolling } = spec.updateStrategy ?? {};
  if (type === 'RollingUpdate') {
    const at = 'spec.updateStrategy.rollingUpdate';
    if (!rolling) p.required(at);
    else {
      const { maxUnavailable = 0, maxSurge = 0 } = rolling;
      validateIntOrPercent(p, `${at}.maxUnavailable`, maxUnavailable);
      validateIntOrPercent(p, `${at}.maxSurge`, maxSurge);
      notMoreThanAll(p, `${at}.maxUnavailable`, maxUnavailable);
      notMoreThanAll(p, `${at}.maxSurge`, maxSurge);
      const [unavailable, surge] = [amount(maxUnavailable) !== 0, amount(maxSurge) !== 0];
      if (unavailable && surge) {
        p.invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero');
      } else if (!unavailable && !surge) p.required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
    }
  } else if (type !== 'OnDelete') {
    const shown = { Type: type ?? '', RollingUpdate: rolling ?? null };
    p.unsupported('spec.updateStrategy', shown, ['RollingUpdate', 'OnDelete']);
  }
  p.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
}

export function validateDaemonSet(p: Problems, { spec }: DaemonSet, old?: DaemonSet): void {
  if (!spec) return;
  if (old) p.immutable('spec.selector', spec.selector, sameValue(spec.selector, old.spec?.selector));
  validateDaemonSetSpec(p, spec);
}

function validateStatefulSetSpec(p: Problems, spec: StatefulSetSpec, old: boolean): void {
  const management = ['OrderedReady', 'Parallel'];
  if (!spec.podManagementPolicy) p.required('spec.podManagementPolicy');
  else if (!management.includes(spec.podManagementPolicy)) {
    p.invalid('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  }
  validateStatefulStrategy(p, spec);
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = retention?.[field];
    const at = `spec.persistentVolumeClaimRetentionPolicy.${field}`;
    if (retention && value !== 'Retain' && value !== 'Delete') p.unsupported(at, value ?? '', ['Retain', 'Delete']);
  }
  if (!old) {
    for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      if (claim.spec) validateClaimSpec(p, `spec.volumeClaimTemplates[${i}].spec`, claim.spec);
    }
  }
  p.nonNegative('spec.replicas', spec.replicas);
  p.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  p.nonNegative('spec.ordinals.start', spec.ordinals?.start);
  if (!old && spec.serviceName) p.all('spec.serviceName', spec.serviceName, isDns1123Label(spec.serviceName));
  validateSetSelector(p, spec.selector, 'statefulset');
  const template = statefulTemplate(spec);
  if (!isUsable(spec.selector)) {
    p.invalid('spec.selector', spec.selector, '');
    validateServing(p, 'spec.template', template, 'StatefulSet');
    return;
  }
  if (leavesOut(spec.selector, template.metadata?.labels)) {
    p.invalid('spec.template.metadata.labels', shownLabels(template), mismatch);
  }
  validatePodTemplate(p, 'spec.template', template);
  validateLabels(p, template.metadata?.labels, 'spec.template.labels');
  validateServing(p, 'spec.template', template, 'StatefulSet');
}

/** With the volumes that the claims will be. */
function statefulTemplate({ template, volumeClaimTemplates: claims = [] }: StatefulSetSpec): PodTemplateSpec {
  const names = new Set(claims.map((c) => c.metadata.name ?? ''));
  const volumes = [
    ...[...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name, readOnly: false } })),
    ...(template.spec?.volumes ?? []).filter((v) => !names.has(v.name)),
  ];
  const spec = {
    ...template.spec,
    containers: template.spec?.containers ?? [],
    subdomain: undefined,
    hostname: undefined,
  };
  return { ...template, spec: claims.length > 0 ? { ...spec, volumes } : spec };
}

function validateStatefulStrategy(p: Problems, { updateStrategy }: StatefulSetSpec): void {
  const { type, rollingUpdate: rolling } = updateStrategy ?? {};
  const at = 'spec.updateStrategy';
  if (!type) p.required(at);
  else if (type === 'OnDelete') {
    if (rolling) p.invalid(`${at}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'");
  } else if (type === 'RollingUpdate') {
    p.nonNegative(`${at}.rollingUpdate.partition`, rolling?.partition);
  } else {
    const shown = { Type: type, RollingUpdate: rolling ?? null };
    p.invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

const statefulMutable = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;

export function validateStatefulSet(p: Problems, { spec }: StatefulSet, old?: StatefulSet): void {
  if (!spec) return;
  validateStatefulSetSpec(p, spec, old !== undefined);
  if (!old) return;
  const strip = (given: StatefulSetSpec | undefined): Partial<StatefulSetSpec> => {
    const rest: Partial<StatefulSetSpec> = { ...given };
    for (const field of statefulMutable) delete rest[field];
    return rest;
  };
  if (!sameValue(strip(spec), strip(old.spec))) {
    const names =
      "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'";
    p.forbidden('spec', `updates to statefulset spec for fields other than ${names} are forbidden`);
  }
}

export function validateReplicationController(p: Problems, { spec }: ReplicationController): void {
  if (!spec) return;
  p.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  const selector = spec.selector ?? {};
  const isEmpty = Object.keys(selector).length === 0;
  if (isEmpty) p.required('spec.selector');
  p.nonNegative('spec.replicas', spec.replicas);
  if (!spec.template) {
    p.required('spec.template');
    return;
  }
  if (!isEmpty && !mapSelectorMatches(selector, spec.template.metadata?.labels)) {
    p.invalid('spec.template.metadata.labels', shownLabels(spec.template), mismatch);
  }
  validateServingTemplate(p, 'spec.template', spec.template, 'ReplicationController');
}

export function validatePodTemplateObject(p: Problems, { template }: PodTemplate): void {
  validatePodTemplate(p, 'template', template ?? {});
}

export function validateControllerRevision(p: Problems, object: ControllerRevision, old?: ControllerRevision): void {
  p.nonNegative('revision', object.revision);
  if (!old) {
    const data: unknown = object.data;
    if (data === undefined || data === null) p.required('data', 'data is mandatory');
    else if (typeof data !== 'object' || Array.isArray(data)) p.required('data', 'data must be a valid JSON object');
  }
  if (old) p.immutable('data', object.data, sameValue(object.data, old.data));
}
