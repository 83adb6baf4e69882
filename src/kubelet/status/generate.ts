import type { ContainerStatus, PodStatus } from '../../api/gen/core-v1.ts';
import { containersOf, isHostNetwork, isTerminalPhase, type NodePod } from '../pod/pod.ts';
import { qosClassOf } from '../pod/qos.ts';
import { currentSandbox, type PodView, sandboxIPs } from '../worker/pod-view.ts';
import { conditionsOf } from './conditions.ts';
import { containerStatuses, type StartFailure } from './container-statuses.ts';
import { phaseOf } from './phase.ts';

/** What the probes say of a running container. */
export interface Health {
  started: boolean;
  ready: boolean;
}

/** A phase that the node has decided on, whatever the containers do (eviction, deadline, refusal). */
export interface Verdict {
  phase: 'Failed' | 'Succeeded';
  reason: string;
  message: string;
  /** The pod is told that the node ended it for its own sake (condition DisruptionTarget). */
  disruption?: boolean;
}

export interface StatusInput {
  pod: NodePod;
  view: PodView;
  /** The status last generated, or what the API has. */
  previous: PodStatus;
  failures: ReadonlyMap<string, StartFailure>;
  health: (containerName: string, containerId: string) => Health;
  verdict?: Verdict | undefined;
  /** Why the pod does not have the size that it asks for. */
  resizePending?: { reason?: string | undefined; message?: string | undefined } | undefined;
  /** No container of the pod will be started again. */
  terminal: boolean;
  hostIPs: readonly string[];
  recursiveReadOnly: boolean;
  now: string;
}

const withHealth =
  (input: StatusInput, kind: 'init' | 'main' | 'ephemeral', sidecars: ReadonlySet<string>) =>
  (status: ContainerStatus): ContainerStatus => {
    const id = status.containerID?.replace(/^\w+:\/\//, '') ?? '';
    const running = status.state?.running !== undefined;
    if (kind === 'init' && !sidecars.has(status.name)) {
      const ready = status.state?.terminated?.exitCode === 0;
      return { ...status, ready, started: running };
    }
    if (kind === 'ephemeral') return { ...status, ready: false };
    const { started, ready } = running ? input.health(status.name, id) : { started: false, ready: false };
    return { ...status, started, ready: started && ready };
  };

function disruption(pod: NodePod, previous: PodStatus, verdict: Verdict | undefined, now: string) {
  const told = previous.conditions?.find((c) => c.type === 'DisruptionTarget');
  if (pod.status?.conditions?.some((c) => c.type === 'DisruptionTarget')) return [];
  if (told) return [told];
  if (!verdict?.disruption) return [];
  const { message } = verdict;
  return [
    { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message, lastTransitionTime: now },
  ];
}

function resizePending(pod: NodePod, previous: PodStatus, why: StatusInput['resizePending'], now: string) {
  if (!why) return [];
  const type = 'PodResizePending';
  const old = previous.conditions?.find((c) => c.type === type);
  const generation = pod.metadata.generation;
  return [
    {
      type,
      status: 'True',
      ...why,
      lastTransitionTime: old?.lastTransitionTime ?? now,
      ...(generation ? { observedGeneration: generation } : {}),
    },
  ];
}

/** A pod that the node did not take: nothing of it is known but why. */
export function refusedStatus(pod: NodePod, verdict: Verdict, now: string): PodStatus {
  const generation = pod.metadata.generation;
  return {
    ...(generation ? { observedGeneration: generation } : {}),
    phase: verdict.phase,
    reason: verdict.reason,
    message: verdict.message,
    qosClass: qosClassOf(pod),
    startTime: now,
    ...(pod.status?.conditions ? { conditions: pod.status.conditions } : {}),
  };
}

/** The status of a pod from what is known of it; pure. After upstream's `generateAPIPodStatus`. */
export function generateStatus(input: StatusInput): PodStatus {
  const { pod, view, previous, failures, hostIPs, now } = input;
  const deleting = input.terminal || pod.metadata.deletionTimestamp !== undefined;
  const all = containersOf(pod);
  const sidecars = new Set(all.filter((c) => c.sidecar).map((c) => c.container.name));
  const statusesOf = (kind: 'init' | 'main' | 'ephemeral', old: readonly ContainerStatus[] | undefined) =>
    containerStatuses({
      pod,
      kind,
      items: all.filter((c) => c.kind === kind),
      view,
      previous: old ?? [],
      failures,
      deleting,
      recursiveReadOnly: input.recursiveReadOnly,
    }).map(withHealth(input, kind, sidecars));
  const init = statusesOf('init', previous.initContainerStatuses);
  const main = statusesOf('main', previous.containerStatuses);
  const ephemeral = statusesOf('ephemeral', previous.ephemeralContainerStatuses);

  const initialized = main.some((s) => s.state?.running || s.state?.terminated || s.lastState?.terminated);
  let phase: string = phaseOf(pod, [...init, ...main], { terminal: input.terminal, initialized });
  if (input.verdict) phase = input.verdict.phase;
  else if (isTerminalPhase(previous.phase)) phase = previous.phase ?? phase;
  else if (isTerminalPhase(pod.status?.phase)) phase = pod.status?.phase ?? phase;
  const reason = input.verdict?.reason ?? (phase === previous.phase ? previous.reason : undefined);
  const message = input.verdict?.message ?? (phase === previous.phase ? previous.message : undefined);

  const sandbox = currentSandbox(view);
  const podIPs = isHostNetwork(pod) ? (sandbox ? [...hostIPs] : []) : sandboxIPs(sandbox);
  const ips = podIPs.length > 0 ? podIPs : (previous.podIPs ?? []).flatMap((p) => (p.ip ? [p.ip] : []));
  const generation = pod.metadata.generation;
  return {
    ...(generation ? { observedGeneration: generation } : {}),
    phase,
    conditions: [
      ...conditionsOf({
        pod,
        statuses: [...init, ...main],
        phase,
        sandboxReady: sandbox !== undefined,
        previous,
        now,
      }),
      ...disruption(pod, previous, input.verdict, now),
      ...resizePending(pod, previous, input.resizePending, now),
    ],
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...(hostIPs[0] ? { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) } : {}),
    ...(ips[0] ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: previous.startTime ?? pod.status?.startTime ?? now,
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: main,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    qosClass: qosClassOf(pod),
  };
}
