import { timeText } from './time.ts';

/** What conditions of all kinds have in common. */
export interface AnyCondition {
  type: string;
  status: string;
  reason?: string | undefined;
  message?: string | undefined;
  lastTransitionTime?: string | undefined;
}

export function findCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((c) => c.type === type);
}

/** `conditions` with one set: its transition time moves only when its status does. */
export function withCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  condition: Omit<C, 'lastTransitionTime'> & { type: string; status: string },
  now: number = Date.now(),
): C[] {
  const old = findCondition(conditions, condition.type);
  const lastTransitionTime = old && old.status === condition.status ? old.lastTransitionTime : timeText(now);
  const next = { ...condition, lastTransitionTime } as unknown as C;
  if (!old) return [...(conditions ?? []), next];
  return (conditions ?? []).map((c) => (c.type === condition.type ? next : c));
}

export function withoutCondition<C extends AnyCondition>(conditions: readonly C[] | undefined, type: string): C[] {
  return (conditions ?? []).filter((c) => c.type !== type);
}
