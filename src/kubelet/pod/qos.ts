import type { Container } from '../../api/gen/core-v1.ts';
import { addQuantities, compareQuantities, isZeroQuantity, quantityValue, zeroQuantity } from '../../api/quantity.ts';
import { isCriticalPod, isSidecar, type NodePod } from './pod.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'];

function total(containers: readonly Container[], which: 'requests' | 'limits', resource: string) {
  return containers.reduce((sum, c) => addQuantities(sum, c.resources?.[which]?.[resource] ?? '0'), zeroQuantity);
}

/** The class of service, after upstream's `apis/core/v1/helper/qos`; what the API already says is kept. */
export function qosClassOf(pod: NodePod): QosClass {
  if (pod.status?.qosClass) return pod.status.qosClass as QosClass;
  const { spec } = pod;
  if (spec.resources?.requests || spec.resources?.limits) {
    const { requests = {}, limits = {} } = spec.resources;
    const nonZero = (map: Record<string, string>) => counted.filter((r) => map[r] && !isZeroQuantity(map[r]));
    if (nonZero(requests).length === 0 && nonZero(limits).length === 0) return 'BestEffort';
    const same = counted.every(
      (r) => limits[r] !== undefined && compareQuantities(limits[r], requests[r] ?? limits[r]) === 0,
    );
    return same ? 'Guaranteed' : 'Burstable';
  }
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const any = counted.some(
    (r) => !isZeroQuantity(total(containers, 'requests', r)) || !isZeroQuantity(total(containers, 'limits', r)),
  );
  if (!any) return 'BestEffort';
  const limited = containers.every((c) =>
    counted.every((r) => c.resources?.limits?.[r] !== undefined && !isZeroQuantity(c.resources.limits[r] ?? '0')),
  );
  const same = counted.every(
    (r) => compareQuantities(total(containers, 'requests', r), total(containers, 'limits', r)) === 0,
  );
  return limited && same ? 'Guaranteed' : 'Burstable';
}

/**
 * How early the kernel ends a container when memory is short, after upstream's `kubelet/qos/policy.go`.
 * A runtime without CAP_SYS_RESOURCE has to raise values that it may not set (`restrict_oom_score_adj`).
 */
export function oomScoreAdjust(pod: NodePod, container: Container, memoryCapacity: number): number {
  if (isCriticalPod(pod)) return -997;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const score = (request: number): number => {
    const value = 1000 - Math.trunc((1000 * request) / memoryCapacity);
    return value < 3 ? 3 : value === 1000 ? 999 : value;
  };
  const own = score(quantityValue(container.resources?.requests?.memory ?? '0'));
  if (!isSidecar(container)) return own;
  // A sidecar is not ended before the container that it serves.
  const smallest = Math.min(...pod.spec.containers.map((c) => quantityValue(c.resources?.requests?.memory ?? '0')));
  return Math.min(own, score(smallest));
}
