import type { Pod } from '../../api/gen/core-v1.ts';
import { compareForDeletion, isActive } from '../runtime/pods.ts';
import { slowStart } from '../runtime/slow-start.ts';

/** At most so many pods are made or deleted at one go. */
export const burst = 500;

/** The pods to part with; `related` are those of sibling sets, which tell how crowded a node is. */
export function podsToDelete(active: readonly Pod[], related: readonly Pod[], count: number, now: number): Pod[] {
  if (count >= active.length) return [...active];
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? '';
    if (isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const rank = (pod: Pod): number => onNode.get(pod.spec?.nodeName ?? '') ?? 0;
  return active.toSorted(compareForDeletion(now, rank)).slice(0, count);
}

export interface ManageReplicas {
  active: readonly Pod[];
  replicas: number;
  related: () => readonly Pod[];
  create: () => Promise<void>;
  remove: (pod: Pod) => Promise<void>;
  now: number;
}

/** Makes or deletes pods until there are as many as wanted. Returns the failure, if any; true for more left to do. */
export async function manageReplicas(options: ManageReplicas): Promise<{ error?: unknown; more: boolean }> {
  const { active, replicas } = options;
  const diff = active.length - replicas;
  const count = Math.min(burst, Math.abs(diff));
  if (diff < 0) {
    const { error } = await slowStart(count, () => options.create());
    return { error, more: count < -diff };
  }
  if (diff > 0) {
    const doomed = podsToDelete(active, options.related(), count, options.now);
    const results = await Promise.allSettled(doomed.map((pod) => options.remove(pod)));
    return { error: results.find((r) => r.status === 'rejected')?.reason, more: count < diff };
  }
  return { more: false };
}
