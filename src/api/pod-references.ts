import type { PodSpec, Volume } from './gen/core-v1.ts';

/** What a pod's node has to read, as `kind/name` in the pod's namespace. */
export type Reference =
  `${'configmaps' | 'secrets' | 'persistentvolumeclaims' | 'serviceaccounts' | 'resourceclaims'}/${string}`;

type NamedSecret = { secretRef?: { name?: string | undefined } | undefined };

/** Secrets that volume drivers take by `secretRef` in the pod's own namespace. */
const driversWithSecret = ['cephfs', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'] as const;

function* volumeReferences(volume: Volume, podName: string): Generator<Reference> {
  if (volume.configMap?.name) yield `configmaps/${volume.configMap.name}`;
  if (volume.secret?.secretName) yield `secrets/${volume.secret.secretName}`;
  if (volume.persistentVolumeClaim?.claimName) yield `persistentvolumeclaims/${volume.persistentVolumeClaim.claimName}`;
  if (volume.ephemeral) yield `persistentvolumeclaims/${podName}-${volume.name}`;
  if (volume.azureFile?.secretName) yield `secrets/${volume.azureFile.secretName}`;
  if (volume.csi?.nodePublishSecretRef?.name) yield `secrets/${volume.csi.nodePublishSecretRef.name}`;
  for (const driver of driversWithSecret) {
    const name = (volume[driver] as NamedSecret | undefined)?.secretRef?.name;
    if (name) yield `secrets/${name}`;
  }
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap?.name) yield `configmaps/${source.configMap.name}`;
    if (source.secret?.name) yield `secrets/${source.secret.name}`;
  }
}

/** Upstream: `graph.go`'s `AddPod`. */
export function podReferences(pod: {
  metadata?: { name?: string | undefined } | undefined;
  spec?: PodSpec | undefined;
  status?: unknown;
}): Set<Reference> {
  const { spec } = pod;
  const found = new Set<Reference>();
  if (!spec) return found;
  if (spec.serviceAccountName) found.add(`serviceaccounts/${spec.serviceAccountName}`);
  for (const secret of spec.imagePullSecrets ?? []) if (secret.name) found.add(`secrets/${secret.name}`);
  for (const volume of spec.volumes ?? [])
    for (const reference of volumeReferences(volume, pod.metadata?.name ?? '')) found.add(reference);
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const source of container.envFrom ?? []) {
      if (source.configMapRef?.name) found.add(`configmaps/${source.configMapRef.name}`);
      if (source.secretRef?.name) found.add(`secrets/${source.secretRef.name}`);
    }
    for (const { valueFrom } of container.env ?? []) {
      if (valueFrom?.configMapKeyRef?.name) found.add(`configmaps/${valueFrom.configMapKeyRef.name}`);
      if (valueFrom?.secretKeyRef?.name) found.add(`secrets/${valueFrom.secretKeyRef.name}`);
    }
  }
  for (const claim of spec.resourceClaims ?? [])
    if (claim.resourceClaimName) found.add(`resourceclaims/${claim.resourceClaimName}`);
  const statuses = (pod.status as { resourceClaimStatuses?: { resourceClaimName?: string }[] } | undefined)
    ?.resourceClaimStatuses;
  for (const status of statuses ?? [])
    if (status.resourceClaimName) found.add(`resourceclaims/${status.resourceClaimName}`);
  return found;
}
