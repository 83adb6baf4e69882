import type { Pod, Taint } from '../../api/gen/core-v1.ts';
import { tolerates } from '../../api/tolerations.ts';

/**
 * How many seconds the pod may stay under these NoExecute taints: Infinity for ever, 0 when one of them is not
 * tolerated at all; else the shortest of the tolerations in use.
 */
export function tolerationSeconds(pod: Pod, taints: readonly Taint[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const used = (pod.spec?.tolerations ?? []).filter((t) => tolerates(t, taint));
    if (used.length === 0) return 0;
    for (const { tolerationSeconds } of used) {
      if (tolerationSeconds !== undefined) least = Math.min(least, Math.max(0, tolerationSeconds));
    }
  }
  return least;
}
