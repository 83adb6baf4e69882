import type { StatusCause } from '../gen/meta-v1.ts';
import type { GroupVersionKind } from '../schema.ts';

/**
 * Upstream looks at the metadata of a changed object once for all kinds, then from within a kind's own rules, as at that
 * of a new object or as at a change: how often each of the two, by kind.
 */
type Passes = readonly [asNew: number, asChange: number];

const usual: Passes = [1, 2];

const lines: readonly (readonly [asNew: number, asChange: number, kinds: string])[] = [
  [2, 2, '/ConfigMap /Secret /ServiceAccount /Endpoints /PersistentVolumeClaim /Pod /Namespace /Node'],
  [2, 2, 'apps/ControllerRevision batch/Job networking.k8s.io/Ingress networking.k8s.io/IngressClass'],
  [2, 2, 'rbac.authorization.k8s.io/Role rbac.authorization.k8s.io/RoleBinding node.k8s.io/RuntimeClass'],
  [2, 2, 'rbac.authorization.k8s.io/ClusterRole rbac.authorization.k8s.io/ClusterRoleBinding'],
  [2, 2, 'storage.k8s.io/StorageClass storage.k8s.io/CSIStorageCapacity storage.k8s.io/VolumeAttributesClass'],
  [2, 2, 'networking.k8s.io/IPAddress certificates.k8s.io/CertificateSigningRequest apiregistration.k8s.io/APIService'],
  [2, 2, 'resource.k8s.io/DeviceClass resource.k8s.io/ResourceClaim resource.k8s.io/ResourceClaimTemplate'],
  [2, 1, '/LimitRange discovery.k8s.io/EndpointSlice storage.k8s.io/CSINode storage.k8s.io/VolumeAttachment'],
  [2, 1, 'flowcontrol.apiserver.k8s.io/FlowSchema flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration'],
  [2, 1, 'admissionregistration.k8s.io/ValidatingWebhookConfiguration'],
  [2, 1, 'admissionregistration.k8s.io/MutatingWebhookConfiguration'],
  [2, 1, 'admissionregistration.k8s.io/ValidatingAdmissionPolicy'],
  [2, 1, 'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding'],
  [2, 1, 'admissionregistration.k8s.io/MutatingAdmissionPolicy'],
  [2, 1, 'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding'],
  [1, 1, '/Event events.k8s.io/Event policy/PodDisruptionBudget'],
  [3, 1, '/PersistentVolume'],
  [2, 2, 'certificates.k8s.io/CertificateSigningRequest:status'],
  [1, 1, 'policy/PodDisruptionBudget:status batch/CronJob:status storage.k8s.io/VolumeAttachment:status'],
  [1, 1, 'admissionregistration.k8s.io/ValidatingAdmissionPolicy:status'],
];

const byKind = new Map(
  lines.flatMap(([asNew, asChange, kinds]) =>
    kinds.split(' ').map((kind) => [kind, [asNew, asChange]] as [string, Passes]),
  ),
);

const passesOf = ({ group, kind }: GroupVersionKind, subresource: string): Passes =>
  byKind.get(`${group}/${kind}${subresource === '' ? '' : `:${subresource}`}`) ?? usual;

/** How often upstream finds what is wrong. */
function timesOf(cause: StatusCause, [asNew, asChange]: Passes): number {
  const { field = '', reason } = cause;
  if (/^metadata\.(labels|annotations|ownerReferences)/.test(field)) return asNew + asChange;
  // Whether one without a domain is known is asked from within the kinds' own rules alone.
  if (field.startsWith('metadata.finalizers[')) return asNew + asChange - 2;
  if (field === 'metadata.finalizers' && reason === 'FieldValueInvalid') return asNew;
  return asChange;
}

/** What is wrong with the metadata of a changed object, said as often as upstream finds it. */
export function inEveryPass(gvk: GroupVersionKind, causes: readonly StatusCause[], subresource: string): StatusCause[] {
  const passes = passesOf(gvk, subresource);
  const counted = causes.map((cause) => ({ cause, times: timesOf(cause, passes) }));
  const most = Math.max(0, ...counted.map(({ times }) => times));
  return Array.from({ length: most }, (_, pass) =>
    counted.filter(({ times }) => times > pass).map(({ cause }) => cause),
  ).flat();
}

/** Whether the name of a changed object is asked for again: it may depend on what has changed. */
export const namesAgain = (gvk: GroupVersionKind): boolean => passesOf(gvk, '')[0] > 1;
