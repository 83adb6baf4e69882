import type { ContainerStatus, Pod, PodStatus } from '../gen/core-v1.ts';
import { age, type Clock, nameOf, none, since } from './text.ts';

interface Tally {
  restarts: number;
  lastRestart: string;
  ready: number;
  reason: string;
}

export function podCells(pod: Pod, clock: Clock): unknown[] {
  const { spec = { containers: [] }, status = {} } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  const total = (spec.containers?.length ?? 0) + sidecars.size;
  const tally = containersTally(pod, status, sidecars);
  const restarts =
    tally.restarts !== 0 && tally.lastRestart !== ''
      ? `${tally.restarts} (${since(tally.lastRestart, clock)} ago)`
      : String(tally.restarts);
  return [
    nameOf(pod),
    `${tally.ready}/${total}`,
    deletionReason(pod) ?? tally.reason,
    restarts,
    age(pod, clock),
    status.podIPs?.[0]?.ip || none,
    spec.nodeName || none,
    status.nominatedNodeName || none,
    readinessGates(pod),
  ];
}

function deletionReason({ metadata, status }: Pod): string | undefined {
  if (!metadata.deletionTimestamp) return undefined;
  if (status?.reason === 'NodeLost') return 'Unknown';
  return status?.phase === 'Failed' || status?.phase === 'Succeeded' ? undefined : 'Terminating';
}

function phaseReason(status: PodStatus): string {
  const gated = status.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : status.reason || status.phase || '';
}

function count(tally: Tally, container: ContainerStatus): void {
  tally.restarts += container.restartCount ?? 0;
  const finished = container.lastState?.terminated?.finishedAt ?? '';
  if (finished > tally.lastRestart) tally.lastRestart = finished;
}

function containersTally(pod: Pod, status: PodStatus, sidecars: ReadonlySet<string>): Tally {
  const tally: Tally = { restarts: 0, lastRestart: '', ready: 0, reason: phaseReason(status) };
  const sidecarTally: Tally = { ...tally };
  let initializing = false;
  for (const [i, container] of (status.initContainerStatuses ?? []).entries()) {
    count(tally, container);
    const sidecar = sidecars.has(container.name);
    if (sidecar) count(sidecarTally, container);
    const { terminated } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) tally.ready++;
      continue;
    }
    tally.reason = initReason(container, i, pod.spec?.initContainers?.length ?? 0);
    initializing = true;
    break;
  }
  const initialized = status.conditions?.find((c) => c.type === 'Initialized')?.status === 'True';
  if (initializing && !initialized) return tally;
  tally.restarts = sidecarTally.restarts;
  tally.lastRestart = sidecarTally.lastRestart;
  countMain(tally, status);
  return tally;
}

function initReason({ state }: ContainerStatus, index: number, total: number): string {
  if (state?.terminated) return `Init:${exitReason(state.terminated)}`;
  const waiting = state?.waiting?.reason;
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${total}`;
}

function exitReason(terminated: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function countMain(tally: Tally, status: PodStatus): void {
  let running = false;
  let failure = '';
  for (const container of (status.containerStatuses ?? []).toReversed()) {
    count(tally, container);
    const { waiting, terminated } = container.state ?? {};
    if (waiting?.reason) tally.reason = waiting.reason;
    else if (terminated) {
      tally.reason = exitReason(terminated);
      if (terminated.exitCode !== 0) failure = tally.reason;
    } else if (container.ready && container.state?.running) {
      running = true;
      tally.ready++;
    }
  }
  if (tally.reason !== 'Completed') return;
  const ready = status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
  if (running && ready) tally.reason = 'Running';
  else if (failure !== '') tally.reason = failure;
  else if (running) tally.reason = 'NotReady';
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  const holds = (type: string): boolean => status?.conditions?.find((c) => c.type === type)?.status === 'True';
  return `${gates.filter((g) => holds(g.conditionType)).length}/${gates.length}`;
}

/** What a client may know of the row without reading it: the pod is done. */
export function podRowConditions(pod: Pod): object[] | undefined {
  const done = (message: string) => [{ type: 'Completed', status: 'True', reason: pod.status?.phase, message }];
  if (pod.status?.phase === 'Succeeded') return done('The pod has completed successfully.');
  return pod.status?.phase === 'Failed' ? done('The pod failed.') : undefined;
}
