import type { DaemonSet, DaemonSetStatus } from '../../api/gen/apps-v1.ts';
import type { Node, Pod } from '../../api/gen/core-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import { revisionLabel } from '../runtime/history.ts';
import { isAvailable, isReady, isTerminal } from '../runtime/pods.ts';
import { timeOf } from '../runtime/time.ts';
import { placement, targetNode } from './placement.ts';

export interface DaemonPlan {
  create: string[];
  remove: Pod[];
  /** Removed because they failed: not too often. */
  failed: Pod[];
}

export interface DaemonState {
  set: DaemonSet;
  nodes: readonly Node[];
  pods: readonly Pod[];
  /** The hash of the current template. */
  hash: string;
  now: number;
}

const older = (a: Pod, b: Pod): number =>
  Number(Boolean(b.spec?.nodeName)) - Number(Boolean(a.spec?.nodeName)) ||
  timeOf(a.metadata.creationTimestamp) - timeOf(b.metadata.creationTimestamp) ||
  ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1);

export function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const found = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = targetNode(pod) ?? '';
    found.set(name, [...(found.get(name) ?? []), pod]);
  }
  return found;
}

const isUpdated = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[revisionLabel] === hash;
const isGoing = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

export function limits(set: DaemonSet, desired: number): { maxSurge: number; maxUnavailable: number } {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return { maxSurge: 0, maxUnavailable: 0 };
  const rolling = set.spec?.updateStrategy?.rollingUpdate;
  const maxSurge = scaledValue(rolling?.maxSurge ?? 0, desired, true);
  const unavailable = scaledValue(rolling?.maxUnavailable ?? 1, desired, true);
  return { maxSurge, maxUnavailable: desired > 0 && maxSurge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** One pod on every node that should have one, none elsewhere; what failed makes room for another. */
export function planPlacement({ set, nodes, pods, hash, now }: DaemonState): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], failed: [] };
  const placed = byNode(pods);
  const surging = limits(set, nodes.length).maxSurge > 0;
  const names = new Set(nodes.map((n) => n.metadata.name ?? ''));
  for (const node of nodes) {
    const name = node.metadata.name ?? '';
    const { run, stay } = placement(set, node);
    const here = placed.get(name) ?? [];
    const live = here.filter((p) => !isGoing(p));
    if (!stay || (!run && live.length === 0)) {
      plan.remove.push(...live);
      continue;
    }
    const dead = live.filter((p) => p.status?.phase === 'Failed');
    plan.failed.push(...dead);
    plan.remove.push(...live.filter((p) => p.status?.phase === 'Succeeded'));
    const running = live.filter((p) => !isTerminal(p)).sort(older);
    if (running.length === 0) {
      if (run && here.length === 0) plan.create.push(name);
      continue;
    }
    if (!surging) {
      plan.remove.push(...running.slice(1));
      continue;
    }
    // While surging, one old and one new may be side by side until the new one is available.
    const fresh = running.filter((p) => isUpdated(p, hash));
    const stale = running.filter((p) => !isUpdated(p, hash));
    plan.remove.push(...fresh.slice(1), ...stale.slice(1));
    const ready = fresh[0] && isAvailable(fresh[0], set.spec?.minReadySeconds ?? 0, now);
    if (ready && stale[0]) plan.remove.push(stale[0]);
  }
  // Pods whose node is gone; those not yet bound would wait for ever.
  for (const [name, here] of placed) {
    if (!names.has(name)) plan.remove.push(...here.filter((p) => !isGoing(p) && !p.spec?.nodeName));
  }
  return plan;
}

/** The next pods to replace in a rolling update. */
export function planUpdate({ set, nodes, pods, hash, now }: DaemonState): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], failed: [] };
  if (set.spec?.updateStrategy?.type === 'OnDelete') return plan;
  const placed = byNode(pods);
  const running = nodes.filter((n) => placement(set, n).run).map((n) => n.metadata.name ?? '');
  const { maxSurge, maxUnavailable } = limits(set, running.length);
  const minReady = set.spec?.minReadySeconds ?? 0;
  const available = (pod: Pod): boolean => !isGoing(pod) && isAvailable(pod, minReady, now);
  if (maxSurge > 0) {
    let surges = 0;
    const candidates: string[] = [];
    for (const name of running) {
      const here = (placed.get(name) ?? []).filter((p) => !isTerminal(p));
      const stale = here.filter((p) => !isUpdated(p, hash));
      const fresh = here.filter((p) => isUpdated(p, hash));
      if (stale.length > 0 && fresh.length > 0) surges += 1;
      if (stale.length === 0 || fresh.length > 0) continue;
      // One that serves nobody can be replaced at once.
      if (stale.every((p) => !available(p))) plan.remove.push(...stale.filter((p) => !isGoing(p)));
      else candidates.push(name);
    }
    plan.create.push(...candidates.slice(0, Math.max(0, maxSurge - surges)));
    return plan;
  }
  let unavailable = 0;
  const replace: Pod[] = [];
  for (const name of running) {
    const here = (placed.get(name) ?? []).filter((p) => !isTerminal(p));
    const live = here.filter((p) => !isGoing(p));
    const stale = live.filter((p) => !isUpdated(p, hash));
    if (!here.some(available)) {
      unavailable += 1;
      plan.remove.push(...stale);
    } else {
      replace.push(...stale);
    }
  }
  plan.remove.push(...replace.slice(0, Math.max(0, maxUnavailable - unavailable)));
  return plan;
}

export function daemonStatus(
  { set, nodes, pods, hash, now }: DaemonState,
  collisionCount: number | undefined,
): DaemonSetStatus {
  const placed = byNode(pods);
  const minReady = set.spec?.minReadySeconds ?? 0;
  let desired = 0;
  let current = 0;
  let misscheduled = 0;
  let ready = 0;
  let available = 0;
  let updated = 0;
  for (const node of nodes) {
    const here = (placed.get(node.metadata.name ?? '') ?? []).filter((p) => !isGoing(p)).sort(older);
    if (!placement(set, node).run) {
      if (here.length > 0) misscheduled += 1;
      continue;
    }
    desired += 1;
    if (here.length === 0) continue;
    current += 1;
    if (here.some(isReady)) ready += 1;
    if (here.some((p) => isAvailable(p, minReady, now))) available += 1;
    if (here.some((p) => isUpdated(p, hash))) updated += 1;
  }
  const some = (count: number): number | undefined => (count === 0 ? undefined : count);
  return {
    ...set.status,
    desiredNumberScheduled: desired,
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    numberReady: ready,
    updatedNumberScheduled: some(updated),
    numberAvailable: some(available),
    numberUnavailable: some(desired - available),
    observedGeneration: set.metadata.generation,
    collisionCount,
  };
}
