import { timeText } from '../../api/literals.ts';
import type { PlanCondition, PlanStatus } from './plan.ts';

/** A status with one condition as given; its times change only when it does, or when `touch` says so. */
export const setCondition =
  (now: number) =>
  (
    status: PlanStatus,
    type: string,
    [value, reason, message]: readonly ['True' | 'False', string, string],
    touch = false,
  ): PlanStatus => {
    const known = status.conditions?.find((condition) => condition.type === type);
    const same = known?.status === value && (known.reason ?? '') === reason && (known.message ?? '') === message;
    if (same && !touch) return status;
    const condition: PlanCondition = {
      type,
      status: value,
      lastUpdateTime: timeText(new Date(now)),
      ...(known?.status === value
        ? known.lastTransitionTime === undefined
          ? {}
          : { lastTransitionTime: known.lastTransitionTime }
        : { lastTransitionTime: timeText(new Date(now)) }),
      ...(reason === '' ? {} : { reason }),
      ...(message === '' ? {} : { message }),
    };
    const conditions = status.conditions ?? [];
    return {
      ...status,
      conditions:
        known === undefined ? [...conditions, condition] : conditions.map((one) => (one === known ? condition : one)),
    };
  };
