import type { Endpoint, EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { type EndpointGroup, portsKey } from './desired.ts';

export const maxPerSlice = 100;

export interface SlicePlan {
  create: { group: EndpointGroup; endpoints: Endpoint[] }[];
  update: { slice: EndpointSlice; endpoints: Endpoint[] }[];
  remove: EndpointSlice[];
  keep: EndpointSlice[];
}

const idOf = (e: Endpoint): string => `${e.targetRef?.uid ?? ''}/${e.addresses[0] ?? ''}`;

/**
 * The fewest writes that make `slices` hold the groups: an endpoint stays in the slice where it is, new ones fill up
 * slices that change anyway, then those with the least room that suffices, then new slices.
 */
export function planSlices(groups: readonly EndpointGroup[], slices: readonly EndpointSlice[]): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [], keep: [] };
  const byKey = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = portsKey(slice.addressType, slice.ports);
    byKey.set(key, [...(byKey.get(key) ?? []), slice]);
  }
  for (const group of groups) {
    planGroup(plan, group, byKey.get(group.key) ?? []);
    byKey.delete(group.key);
  }
  plan.remove.push(...[...byKey.values()].flat());
  return plan;
}

function planGroup(plan: SlicePlan, group: EndpointGroup, slices: readonly EndpointSlice[]): void {
  const missing = new Map(group.endpoints.map((e) => [idOf(e), e]));
  const drafts = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const old of slice.endpoints ?? []) {
      const wanted = missing.get(idOf(old));
      if (!wanted) continue;
      missing.delete(idOf(old));
      endpoints.push(wanted);
    }
    return { slice, endpoints, changed: !sameJson(endpoints, slice.endpoints ?? []) };
  });
  const rest = [...missing.values()];
  const roomy = drafts
    .filter((d) => d.endpoints.length < maxPerSlice)
    .sort((a, b) => Number(b.changed) - Number(a.changed) || b.endpoints.length - a.endpoints.length);
  for (const draft of roomy) {
    const taken = rest.splice(0, maxPerSlice - draft.endpoints.length);
    if (taken.length === 0) break;
    draft.endpoints.push(...taken);
    draft.changed = true;
  }
  while (rest.length > 0) plan.create.push({ group, endpoints: rest.splice(0, maxPerSlice) });

  let kept = plan.create.some((c) => c.group === group);
  for (const draft of drafts.sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    if (draft.endpoints.length === 0 && kept) {
      plan.remove.push(draft.slice);
      continue;
    }
    kept = true;
    if (draft.changed) plan.update.push(draft);
    else plan.keep.push(draft.slice);
  }
  if (!kept) plan.create.push({ group, endpoints: [] });
}
