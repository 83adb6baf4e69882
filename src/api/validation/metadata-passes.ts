import type { StatusCause } from '../gen/meta-v1.ts';
import type { GroupVersionKind } from '../schema.ts';

/** Upstream looks at the metadata of a changed object once for all kinds, then from within a kind's own rules. */
const four = new Set(
  [
    '/ConfigMap /Secret /ServiceAccount /Endpoints /PersistentVolumeClaim /Pod /Namespace /Node /PersistentVolume',
    'apps/ControllerRevision batch/Job networking.k8s.io/Ingress networking.k8s.io/IngressClass',
    'rbac.authorization.k8s.io/Role rbac.authorization.k8s.io/RoleBinding rbac.authorization.k8s.io/ClusterRole',
    'rbac.authorization.k8s.io/ClusterRoleBinding node.k8s.io/RuntimeClass storage.k8s.io/StorageClass',
    'storage.k8s.io/CSIStorageCapacity storage.k8s.io/VolumeAttributesClass networking.k8s.io/IPAddress',
    'certificates.k8s.io/CertificateSigningRequest apiregistration.k8s.io/APIService resource.k8s.io/DeviceClass',
    'resource.k8s.io/ResourceClaim resource.k8s.io/ResourceClaimTemplate',
  ].flatMap((line) => line.split(' ')),
);
const two = new Set(['/Event', 'events.k8s.io/Event', 'policy/PodDisruptionBudget']);

const passesOf = ({ group, kind }: GroupVersionKind): number => {
  const name = `${group}/${kind}`;
  return four.has(name) ? 4 : two.has(name) ? 2 : 3;
};

/** What is wrong with the metadata of a changed object, said as often as upstream finds it. */
export function inEveryPass(gvk: GroupVersionKind, causes: readonly StatusCause[]): StatusCause[] {
  const repeated = causes.filter(({ field }) => field === 'metadata.labels' || field === 'metadata.annotations');
  if (repeated.length === 0) return [...causes];
  return [...causes, ...Array.from({ length: passesOf(gvk) - 1 }, () => repeated).flat()];
}
