import type {
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from '../gen/core-v1.ts';

/** To which objects a quota applies by its scopes. */

const isBestEffort = ({ spec, status }: Pod): boolean => {
  if (status?.qosClass) return status.qosClass === 'BestEffort';
  if (!spec) return true;
  const whole = spec.resources;
  const lists = whole
    ? [whole.requests, whole.limits]
    : [...spec.containers, ...(spec.initContainers ?? [])].flatMap((c) => [c.resources?.requests, c.resources?.limits]);
  return lists.every((list) =>
    ['cpu', 'memory'].every((name) => list?.[name] === undefined || Number.parseFloat(list[name]) === 0),
  );
};

/** Whether a pod says how long it runs at the most. */
export const isTerminating = (spec: PodSpec | undefined): boolean =>
  spec?.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;

function crossNamespace(spec: PodSpec): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((a) =>
    [
      ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm),
    ].some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined),
  );
}

function valueMatches(value: string, { operator, values }: ScopedResourceSelectorRequirement): boolean {
  switch (operator) {
    case 'In':
      return value !== '' && (values?.includes(value) ?? false);
    case 'NotIn':
      return !(values?.includes(value) ?? false);
    case 'Exists':
      return value !== '';
    default:
      return value === '';
  }
}

/** The classes that a claim has, is to have, or is on its way to. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  const set = names.filter((name) => !!name) as string[];
  return set.length > 0 ? set : [''];
}

function scopeMatches(scope: ScopedResourceSelectorRequirement, place: string, object: unknown): boolean {
  const { scopeName } = scope;
  if (place === '/persistentvolumeclaims' && scopeName === 'VolumeAttributesClass')
    return attributesClasses(object as PersistentVolumeClaim).some((name) => valueMatches(name, scope));
  if (place !== '/pods') return false;
  const pod = object as Pod;
  const spec = pod.spec as PodSpec;
  switch (scopeName) {
    case 'Terminating':
      return isTerminating(spec);
    case 'NotTerminating':
      return !isTerminating(spec);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return valueMatches(spec.priorityClassName ?? '', scope);
    case 'CrossNamespacePodAffinity':
      return crossNamespace(spec);
    default:
      return false;
  }
}

/** The scopes of a quota, in the longer of the two ways to write them. */
export const scopesOf = (spec: ResourceQuotaSpec | undefined): ScopedResourceSelectorRequirement[] => [
  ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...(spec?.scopeSelector?.matchExpressions ?? []),
];

/** Those of the scopes in which an object is. */
export const scopesMet = (
  scopes: readonly ScopedResourceSelectorRequirement[],
  group: string,
  resource: string,
  object: unknown,
): ScopedResourceSelectorRequirement[] => scopes.filter((scope) => scopeMatches(scope, `${group}/${resource}`, object));

/** Whether an object counts against a quota by the quota's scopes. */
export function inScope(
  spec: ResourceQuotaSpec | undefined,
  group: string,
  resource: string,
  object: unknown,
): boolean {
  const scopes = scopesOf(spec);
  return scopesMet(scopes, group, resource, object).length === scopes.length;
}
