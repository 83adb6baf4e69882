import type { Deployment, ReplicaSet } from '../../api/gen/apps-v1.ts';
import {
  annotation,
  byCreation,
  bySizeNewer,
  bySizeOlder,
  fenceposts,
  isRolling,
  replicasOf,
  sumOf,
} from './replica-sets.ts';

/** Sizes that sets should get, in the order in which to set them. */
export type Sizes = readonly { set: ReplicaSet; replicas: number; always: boolean }[];

/** Whether the deployment was scaled since its sets were last sized. */
export function isScaled(d: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((rs) => {
    const desired = rs.metadata.annotations?.[annotation.desiredReplicas];
    return replicasOf(rs) > 0 && desired !== undefined && Number(desired) !== replicasOf(d);
  });
}

/** The only set with pods, or the newest when none has any; undefined when several have. */
function activeOrLatest(fresh: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const active = [...old, ...(fresh ? [fresh] : [])].filter((rs) => replicasOf(rs) > 0);
  if (active.length > 1) return undefined;
  if (active.length === 1) return active[0];
  return fresh ?? old.toSorted((a, b) => bySizeNewer(a, b))[0];
}

function isSaturated(d: Deployment, rs: ReplicaSet | undefined): boolean {
  const wanted = replicasOf(d);
  return (
    rs !== undefined &&
    replicasOf(rs) === wanted &&
    Number(rs.metadata.annotations?.[annotation.desiredReplicas]) === wanted &&
    (rs.status?.availableReplicas ?? 0) === wanted
  );
}

const roundHalfAway = (value: number): number => (value < 0 ? -Math.round(-value) : Math.round(value));

/** The share of `toAdd` that falls to one set, by its size; never past what is left. */
function proportion(d: Deployment, rs: ReplicaSet, toAdd: number, added: number): number {
  if (replicasOf(rs) === 0 || toAdd === 0 || toAdd === added) return 0;
  const share = fraction(d, rs);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
}

function fraction(d: Deployment, rs: ReplicaSet): number {
  const size = replicasOf(rs);
  if (replicasOf(d) === 0) return -size;
  const before = Number(rs.metadata.annotations?.[annotation.maxReplicas]) || (d.status?.replicas ?? 0);
  if (before === 0) return 0;
  return roundHalfAway((size * (replicasOf(d) + fenceposts(d).maxSurge)) / before) - size;
}

/** What a scaling of the deployment means for its sets: proportional while a roll-out is under way. */
export function scaledSizes(d: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[]): Sizes {
  const only = activeOrLatest(fresh, old);
  if (only) return [{ set: only, replicas: replicasOf(d), always: false }];
  if (isSaturated(d, fresh)) {
    return old.filter((rs) => replicasOf(rs) > 0).map((set) => ({ set, replicas: 0, always: false }));
  }
  if (!isRolling(d)) return [];
  const active = [...old, ...(fresh ? [fresh] : [])].filter((rs) => replicasOf(rs) > 0);
  const allowed = replicasOf(d) > 0 ? replicasOf(d) + fenceposts(d).maxSurge : 0;
  const toAdd = allowed - sumOf(active, replicasOf);
  const sorted = toAdd === 0 ? active : active.toSorted(toAdd > 0 ? bySizeNewer : bySizeOlder);
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = proportion(d, set, toAdd, added);
    added += share;
    return { set, replicas: replicasOf(set) + share, always: true };
  });
  const first = sizes[0];
  if (first) first.replicas = Math.max(0, first.replicas + toAdd - added);
  return sizes;
}

/** How far old sets may shrink in a rolling update: unhealthy pods first, then as many as stay available without. */
export function shrinkOld(d: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const active = old.filter((rs) => replicasOf(rs) > 0);
  if (active.length === 0) return [];
  const wanted = replicasOf(d);
  const unavailable = Math.min(fenceposts(d).maxUnavailable, wanted);
  const minAvailable = wanted - (wanted === 0 ? 0 : unavailable);
  const all = [...active, fresh];
  const freshUnavailable = replicasOf(fresh) - (fresh.status?.availableReplicas ?? 0);
  const budget = sumOf(all, replicasOf) - minAvailable - freshUnavailable;
  if (budget <= 0) return [];

  const size = new Map(active.map((rs) => [rs, replicasOf(rs)]));
  const oldest = active.toSorted(byCreation);
  let cleaned = 0;
  for (const rs of oldest) {
    const sick = replicasOf(rs) - (rs.status?.availableReplicas ?? 0);
    const take = Math.max(0, Math.min(budget - cleaned, sick));
    size.set(rs, replicasOf(rs) - take);
    cleaned += take;
  }
  let spare = sumOf(all, (rs) => rs.status?.availableReplicas) - minAvailable;
  for (const rs of oldest) {
    if (spare <= 0) break;
    const take = Math.min(size.get(rs) ?? 0, spare);
    size.set(rs, (size.get(rs) ?? 0) - take);
    spare -= take;
  }
  return oldest
    .filter((rs) => size.get(rs) !== replicasOf(rs))
    .map((set) => ({ set, replicas: size.get(set) ?? 0, always: false }));
}
