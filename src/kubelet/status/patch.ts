import { isDeepStrictEqual } from 'node:util';
import type { PodCondition, PodStatus } from '../../api/gen/core-v1.ts';

/** Lists that a strategic merge would merge item by item; here they are always meant whole. */
const mergedLists = new Set(['podIPs', 'hostIPs']);

const times = (value: PodCondition): object => ({ ...value, lastProbeTime: undefined });

/** The strategic merge patch that turns one status into the other; undefined when they are the same. */
export function statusPatch(before: PodStatus, after: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof PodStatus>;
  for (const name of names) {
    if (name === 'conditions') continue;
    const [old, wanted] = [before[name], after[name]];
    if (isDeepStrictEqual(old, wanted)) continue;
    if (wanted === undefined) {
      // Only what the kubelet writes is taken away again.
      if (['reason', 'message', 'podIP', 'podIPs'].includes(name) && old !== '') patch[name] = null;
      continue;
    }
    patch[name] = mergedLists.has(name) ? [{ $patch: 'replace' }, ...(wanted as object[])] : wanted;
  }
  const conditions = (after.conditions ?? []).flatMap((condition) => {
    const old = before.conditions?.find((c) => c.type === condition.type);
    if (old && isDeepStrictEqual(times(old), times(condition))) return [];
    const dropped = old
      ? Object.fromEntries(['reason', 'message'].filter((k) => k in old && !(k in condition)).map((k) => [k, null]))
      : {};
    return [{ lastProbeTime: null, ...condition, ...dropped }];
  });
  const over = (before.conditions ?? []).filter(
    (c) => c.type === 'PodResizePending' && !after.conditions?.some((a) => a.type === c.type),
  );
  for (const { type } of over) conditions.push({ type, $patch: 'delete' } as never);
  if (conditions.length > 0) patch.conditions = conditions;
  return Object.keys(patch).length > 0 ? patch : undefined;
}
