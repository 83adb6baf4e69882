import type { StatefulSet } from '../../api/gen/apps-v1.ts';
import type { PersistentVolumeClaim, Pod, Volume } from '../../api/gen/core-v1.ts';
import { revisionLabel } from '../runtime/history.ts';

const nameLabel = 'statefulset.kubernetes.io/pod-name';
const indexLabel = 'apps.kubernetes.io/pod-index';

export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;

/** The ordinal in a pod's name, or undefined for a pod that is none of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata.name ?? '');
  return match && match[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export const claimName = (template: PersistentVolumeClaim, set: StatefulSet, ordinal: number): string =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`;

/** The claims that belong to one replica. */
export function claimsFor(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    ...template,
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    status: undefined,
    metadata: {
      name: claimName(template, set, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec?.selector.matchLabels },
      annotations: template.metadata.annotations,
    },
  }));
}

/** Makes a pod the replica `ordinal`: its name, host name, labels and volumes. */
export function setIdentity(set: StatefulSet, pod: Pod, ordinal: number, revision: string): void {
  const name = podName(set, ordinal);
  pod.metadata = {
    ...pod.metadata,
    name,
    labels: { ...pod.metadata.labels, [nameLabel]: name, [indexLabel]: String(ordinal), [revisionLabel]: revision },
  };
  if (!pod.spec) return;
  pod.spec.hostname = name;
  pod.spec.subdomain = set.spec?.serviceName;
  const claims = (set.spec?.volumeClaimTemplates ?? []).map(
    (template): Volume => ({
      name: template.metadata.name ?? '',
      persistentVolumeClaim: { claimName: claimName(template, set, ordinal) },
    }),
  );
  const named = new Set(claims.map((c) => c.name));
  const volumes = [...claims, ...(pod.spec.volumes ?? []).filter((v) => !named.has(v.name))];
  if (volumes.length > 0) pod.spec.volumes = volumes;
}

export const revisionOf = (pod: Pod): string => pod.metadata.labels?.[revisionLabel] ?? '';
