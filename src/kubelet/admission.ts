import type { Node } from '../api/gen/core-v1.ts';
import { podSelectsNode } from '../api/node-selection.ts';
import {
  addQuantities,
  compareQuantities,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from '../api/quantity.ts';
import { safeSysctls } from '../api/safe-sysctls.ts';
import { isCriticalPod, isStaticPod, isTerminalPhase, type NodePod } from './pod/pod.ts';
import { qosClassOf } from './pod/qos.ts';
import { podResources } from './pod/resources.ts';
import type { Verdict } from './status/generate.ts';

const refused = (reason: string, message: string): Verdict => ({
  phase: 'Failed',
  reason,
  message: `Pod was rejected: ${message}`,
});

const shown = (name: string, amount: ReturnType<typeof addQuantities> | string): number =>
  name === 'cpu' ? quantityMilliValue(amount) : quantityValue(amount);

interface Shortage {
  name: string;
  requested: number;
  used: number;
  capacity: number;
}

/** The resources that are not enough for `pod` beside `others`. */
function shortages(
  pod: NodePod,
  others: readonly NodePod[],
  allocatable: Readonly<Record<string, string>>,
): Shortage[] {
  const found: Shortage[] = [];
  if (others.length + 1 > quantityValue(allocatable.pods ?? '0'))
    found.push({ name: 'pods', requested: 1, used: others.length, capacity: quantityValue(allocatable.pods ?? '0') });
  for (const [name, request] of Object.entries(podResources(pod, 'requests'))) {
    const capacity = allocatable[name];
    if (capacity === undefined || compareQuantities(request, '0') === 0) continue;
    let used = subtractQuantities('0', '0');
    for (const other of others) used = addQuantities(used, podResources(other, 'requests')[name] ?? '0');
    if (compareQuantities(addQuantities(used, request), capacity) > 0)
      found.push({ name, requested: shown(name, request), used: shown(name, used), capacity: shown(name, capacity) });
  }
  return found;
}

/** Why a running pod cannot have its new size: never on this node, or not now. */
export function resizeRefusal(
  pod: NodePod,
  others: readonly NodePod[],
  allocatable: Readonly<Record<string, string>>,
): { reason: 'Deferred' | 'Infeasible'; message: string } | undefined {
  const [never] = shortages(pod, [], allocatable);
  if (never) {
    const { name, requested, capacity } = never;
    return {
      reason: 'Infeasible',
      message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}`,
    };
  }
  const [now] = shortages(
    pod,
    others.filter((o) => !isTerminalPhase(o.status?.phase)),
    allocatable,
  );
  if (!now) return undefined;
  const { name, requested, used, capacity } = now;
  return {
    reason: 'Deferred',
    message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}

const rank: Record<string, number> = { BestEffort: 0, Burstable: 1, Guaranteed: 2 };

/** Pods whose end makes room for a critical one, the cheapest first; undefined when even that is not enough. */
function victims(pod: NodePod, others: readonly NodePod[], allocatable: Readonly<Record<string, string>>) {
  const chosen: NodePod[] = [];
  const candidates = others
    .filter((o) => !isCriticalPod(o) && (o.spec.priority ?? 0) < (pod.spec.priority ?? 0))
    .sort((a, b) => (rank[qosClassOf(a)] ?? 0) - (rank[qosClassOf(b)] ?? 0));
  for (const candidate of candidates) {
    if (
      shortages(
        pod,
        others.filter((o) => !chosen.includes(o)),
        allocatable,
      ).length === 0
    )
      break;
    chosen.push(candidate);
  }
  return shortages(
    pod,
    others.filter((o) => !chosen.includes(o)),
    allocatable,
  ).length === 0
    ? chosen
    : undefined;
}

/** Whether the node takes a pod that was bound to it; a verdict says why not. After upstream's kubelet admission. */
export function createAdmission(options: {
  node: () => Node | undefined;
  allocatable: () => Readonly<Record<string, string>>;
  allowedUnsafeSysctls: readonly string[];
  /** Set while the node is short of something: which pods it takes then. */
  underPressure: (pod: NodePod) => string | undefined;
  preempt: (pod: NodePod, verdict: Verdict) => Promise<void>;
}): (pod: NodePod, others: readonly NodePod[]) => Promise<Verdict | undefined> {
  const { node, allocatable, allowedUnsafeSysctls, underPressure, preempt } = options;
  const sysctlAllowed = (name: string): boolean =>
    safeSysctls.has(name) ||
    allowedUnsafeSysctls.some((p) => (p.endsWith('*') ? name.startsWith(p.slice(0, -1)) : p === name));

  return async (pod, others) => {
    const pressure = underPressure(pod);
    if (pressure) return refused('Evicted', `The node had condition: [${pressure}]. `);
    for (const { name } of pod.spec.securityContext?.sysctls ?? [])
      if (!sysctlAllowed(name.replaceAll('/', '.')))
        return refused('SysctlForbidden', `forbidden sysctl: ${JSON.stringify(name)} not allowlisted`);
    if ((pod.spec.resourceClaims ?? []).length > 0)
      return refused('UnexpectedAdmissionError', 'this node prepares no devices of resource claims');
    const self = node();
    if (self && !isStaticPod(pod) && !podSelectsNode(pod, self))
      return refused(
        'NodeAffinity',
        "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      );
    const alive = others.filter((o) => !isTerminalPhase(o.status?.phase));
    const [short] = shortages(pod, alive, allocatable());
    if (!short) return undefined;
    const making = isCriticalPod(pod) ? victims(pod, alive, allocatable()) : undefined;
    if (making) {
      for (const victim of making)
        await preempt(victim, {
          phase: 'Failed',
          reason: 'Preempting',
          message: 'Preempted in order to admit critical pod',
        });
      return undefined;
    }
    const { name, requested, used, capacity } = short;
    return refused(
      `OutOf${name}`,
      `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
    );
  };
}
