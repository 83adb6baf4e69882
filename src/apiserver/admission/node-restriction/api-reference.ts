import type { Pod, Volume } from '../../../api/gen/core-v1.ts';
import { podReferences } from '../../../api/pod-references.ts';

/** How a volume needs the API, in upstream's words (`api/pod/util.go`); undefined: it does not. */
function ofVolume(volume: Volume): string | undefined {
  if (volume.configMap) return 'configmaps (via configmap volumes)';
  if (volume.secret) return 'secrets (via secret volumes)';
  if (volume.csi) return 'csidrivers (via CSI volumes)';
  if (volume.glusterfs) return 'endpoints (via glusterFS volumes)';
  if (volume.persistentVolumeClaim) return 'persistentvolumeclaims';
  if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
  if (volume.azureFile) return 'secrets (via azureFile volumes)';
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) return 'configmaps (via projected volumes)';
    if (source.secret) return 'secrets (via projected volumes)';
    if (source.serviceAccountToken) return 'serviceaccounts (via projected volumes)';
    if (source.clusterTrustBundle) return 'clustertrustbundles';
    if (source.podCertificate) return 'podcertificates';
  }
  return undefined;
}

/** The first thing for which a pod needs the API: what a mirror pod may not. */
export function apiReference(pod: Pod): string | undefined {
  const { spec } = pod;
  if (!spec) return undefined;
  if (spec.serviceAccountName) return 'serviceaccounts';
  const references = [...podReferences(pod)];
  for (const resource of ['secrets', 'configmaps'])
    if (references.some((reference) => reference.startsWith(`${resource}/`))) return resource;
  if ((spec.resourceClaims?.length ?? 0) > 0) return 'resourceclaims';
  for (const volume of spec.volumes ?? []) {
    const found = ofVolume(volume);
    if (found !== undefined) return found;
  }
  return undefined;
}
