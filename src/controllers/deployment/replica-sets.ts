import type { Deployment, ReplicaSet } from '../../api/gen/apps-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { timeOf } from '../runtime/time.ts';

export const hashLabel = 'pod-template-hash';
export const annotation = {
  revision: 'deployment.kubernetes.io/revision',
  revisionHistory: 'deployment.kubernetes.io/revision-history',
  desiredReplicas: 'deployment.kubernetes.io/desired-replicas',
  maxReplicas: 'deployment.kubernetes.io/max-replicas',
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
  rollbackTo: 'deprecated.deployment.rollback.to',
} as const;

export const replicasOf = (object: Deployment | ReplicaSet): number => object.spec?.replicas ?? 1;
export const sumOf = (sets: readonly ReplicaSet[], of: (rs: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, rs) => total + (of(rs) ?? 0), 0);

export const byCreation = (a: ReplicaSet, b: ReplicaSet): number =>
  timeOf(a.metadata.creationTimestamp) - timeOf(b.metadata.creationTimestamp) ||
  ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1);
export const bySizeOlder = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || byCreation(a, b);
export const bySizeNewer = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || byCreation(b, a);

const int64 = (text: string): bigint | undefined => {
  const value = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && BigInt.asIntN(64, value) === value ? value : undefined;
};

/** A set's revision; 0 when it has none that can be read. */
export const revisionOf = (rs: ReplicaSet): bigint => int64(rs.metadata.annotations?.[annotation.revision] ?? '') ?? 0n;
export const byRevision = (a: ReplicaSet, b: ReplicaSet): number =>
  revisionOf(a) < revisionOf(b) ? -1 : Number(revisionOf(a) > revisionOf(b));
export function highestRevision(sets: readonly ReplicaSet[]): bigint {
  const last = sets.toSorted(byRevision).at(-1);
  return last ? revisionOf(last) : 0n;
}

function withoutHash(template: unknown): unknown {
  const { metadata, ...rest } = (template ?? {}) as { metadata?: { labels?: Record<string, string> } };
  const { [hashLabel]: _hash, ...labels } = metadata?.labels ?? {};
  const meta = { ...metadata, labels: Object.keys(labels).length === 0 ? undefined : labels };
  return { ...rest, metadata: { ...meta, creationTimestamp: undefined } };
}

/** The oldest set that holds the deployment's template, whatever its hash label says. */
export function findNew(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(deployment.spec?.template);
  return sets.toSorted(byCreation).find((rs) => sameJson(withoutHash(rs.spec?.template), wanted));
}

export const isRolling = (d: Deployment): boolean => (d.spec?.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';

/** maxSurge and maxUnavailable as numbers; both zero would be a standstill, so one may then be unavailable. */
export function fenceposts(d: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRolling(d)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = replicasOf(d);
  const rolling = d.spec?.strategy?.rollingUpdate;
  const maxSurge = scaledValue(rolling?.maxSurge ?? '25%', replicas, true);
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', replicas, false);
  return { maxSurge, maxUnavailable: maxSurge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** How many may be unavailable when the deployment's own availability is judged. */
export function maxUnavailable(d: Deployment): number {
  if (!isRolling(d) || replicasOf(d) === 0) return 0;
  return Math.min(fenceposts(d).maxUnavailable, replicasOf(d));
}

/** The size that the new set should have now. */
export function newReplicas(d: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = replicasOf(d);
  if (!isRolling(d)) return wanted;
  const room = wanted + fenceposts(d).maxSurge - sumOf(all, replicasOf);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

export function isComplete(d: Deployment, status: Deployment['status']): boolean {
  const wanted = replicasOf(d);
  return (
    (status?.updatedReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted &&
    (status?.availableReplicas ?? 0) === wanted &&
    (status?.observedGeneration ?? 0) >= (d.metadata.generation ?? 0)
  );
}

const inherited = (key: string): boolean =>
  !(Object.values(annotation) as string[]).includes(key) || key === annotation.rollbackTo;

/** The annotations of a deployment's new set: the deployment's own, its revision, and the sizes it was made for. */
export function newSetAnnotations(
  d: Deployment,
  old: Record<string, string> | undefined,
  revision: bigint,
  exists: boolean,
): Record<string, string> {
  const next: Record<string, string> = { ...old };
  for (const [key, value] of Object.entries(d.metadata.annotations ?? {})) {
    if (inherited(key) && key !== annotation.rollbackTo) next[key] = value;
  }
  const known = old?.[annotation.revision];
  const before = known ? int64(known) : 0n;
  if (before !== undefined && before < revision) {
    next[annotation.revision] = String(revision);
    if (known !== undefined) {
      const past = (old?.[annotation.revisionHistory] || undefined)?.split(',') ?? [];
      while (past.length > 0 && [...past, known].join(',').length > 2000) past.shift();
      next[annotation.revisionHistory] = [...past, known].join(',');
    }
  }
  return exists ? next : { ...next, ...sizeAnnotations(d) };
}

export function sizeAnnotations(d: Deployment): Record<string, string> {
  const replicas = replicasOf(d);
  return {
    [annotation.desiredReplicas]: String(replicas),
    [annotation.maxReplicas]: String(replicas + fenceposts(d).maxSurge),
  };
}
