import type { Pod, ResourceRequirements } from './gen/core-v1.ts';
import { compareQuantities } from './quantity.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

const counted = ['cpu', 'memory'] as const;

/** The quality-of-service class, as upstream's `pkg/apis/core/helper/qos`: from the pod's own resources where it has any. */
export function qosClass(pod: Readonly<Pod>): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const whole = pod.spec?.resources;
  if (whole) {
    if (!counts(whole.requests) && !counts(whole.limits)) return 'BestEffort';
    return guaranteed(whole) ? 'Guaranteed' : 'Burstable';
  }
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const all = containers.map((container) => container.resources ?? {});
  if (!all.some((r) => counts(r.requests) || counts(r.limits))) return 'BestEffort';
  return all.every(guaranteed) ? 'Guaranteed' : 'Burstable';
}

const nonZero = (value: string | undefined): boolean => value !== undefined && compareQuantities(value, '0') > 0;

const counts = (amounts: Amounts): boolean => counted.some((name) => nonZero(amounts?.[name]));

function guaranteed({ requests, limits }: ResourceRequirements): boolean {
  return counted.every((name) => {
    const limit = limits?.[name];
    const request = requests?.[name];
    return limit !== undefined && nonZero(limit) && (request === undefined || compareQuantities(request, limit) === 0);
  });
}
