import type { ContainerStatus, PodCondition, PodStatus } from '../../api/gen/core-v1.ts';
import { isSidecar, type NodePod } from '../pod/pod.ts';

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

const yes: Verdict = { status: 'True' };
const no = (reason: string, message?: string): Verdict => ({
  status: 'False',
  reason,
  ...(message ? { message } : {}),
});

/** Go prints a list of names so. */
const list = (names: readonly string[]): string => `[${names.join(' ')}]`;

function complaints(unknown: readonly string[], other: readonly string[], what: string): string {
  return [
    ...(unknown.length > 0 ? [`containers with unknown status: ${list(unknown)}`] : []),
    ...(other.length > 0 ? [`containers with ${what} status: ${list(other)}`] : []),
  ].join(', ');
}

export function containersReady(pod: NodePod, statuses: readonly ContainerStatus[], phase: string): Verdict {
  const unknown: string[] = [];
  const unready: string[] = [];
  for (const container of [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers]) {
    const status = statuses.find((s) => s.name === container.name);
    if (!status) unknown.push(container.name);
    else if (!status.ready) unready.push(container.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return no('PodCompleted');
  if (phase === 'Failed') return no('PodFailed');
  const message = complaints(unknown, unready, 'unready');
  return message === '' ? yes : no('ContainersNotReady', message);
}

export function podReady(pod: NodePod, ready: Verdict, conditions: readonly PodCondition[]): Verdict {
  if (ready.status !== 'True') return ready;
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = conditions.find((c) => c.type === conditionType);
    if (!found) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return found.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
  });
  return messages.length === 0 ? yes : no('ReadinessGatesNotReady', messages.join(', '));
}

export function initialized(pod: NodePod, statuses: readonly ContainerStatus[], phase: string): Verdict {
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find((s) => s.name === container.name);
    if (!status) unknown.push(container.name);
    else if (!(isSidecar(container) ? status.started : status.ready)) incomplete.push(container.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  const anyStarted = pod.spec.containers.some((container) => {
    const status = statuses.find((s) => s.name === container.name);
    return status?.started || status?.state?.terminated || status?.lastState?.terminated;
  });
  if (anyStarted) return yes;
  const message = complaints(unknown, incomplete, 'incomplete');
  return message === '' ? yes : no('ContainersNotInitialized', message);
}

/** The conditions that the kubelet speaks for; all others are left as they are. */
export const ownConditions = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  'PodResizePending',
]);

/** The kubelet's conditions in upstream's order; a time changes only where a status does. */
export function conditionsOf(options: {
  pod: NodePod;
  statuses: readonly ContainerStatus[];
  phase: string;
  sandboxReady: boolean;
  previous: PodStatus;
  now: string;
}): PodCondition[] {
  const { pod, statuses, phase, sandboxReady, previous, now } = options;
  const ready = containersReady(pod, statuses, phase);
  const kept = (pod.status?.conditions ?? []).filter((c) => !ownConditions.has(c.type));
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', sandboxReady ? yes : { status: 'False' }],
    ['Initialized', initialized(pod, statuses, phase)],
    ['Ready', podReady(pod, ready, kept)],
    ['ContainersReady', ready],
    ['PodScheduled', yes],
  ];
  const generation = pod.metadata.generation;
  const own = verdicts.map(([type, verdict]): PodCondition => {
    const old = (previous.conditions ?? pod.status?.conditions ?? []).find((c) => c.type === type);
    return {
      type,
      ...verdict,
      lastTransitionTime: old?.status === verdict.status && old.lastTransitionTime ? old.lastTransitionTime : now,
      ...(generation ? { observedGeneration: generation } : {}),
    };
  });
  return [...kept, ...own];
}
