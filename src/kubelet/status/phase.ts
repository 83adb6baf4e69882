import type { ContainerStatus } from '../../api/gen/core-v1.ts';
import { isSidecar, isStaticPod, type NodePod } from '../pod/pod.ts';
import { shouldRestart } from '../pod/restart-policy.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

const terminatedOf = (status: ContainerStatus) => status.state?.terminated ?? status.lastState?.terminated;

/**
 * The phase that the containers' states give, after upstream's `getPhase`.
 * `terminal`: no container of the pod will be started again. `initialized`: a main container has been started.
 */
export function phaseOf(
  pod: NodePod,
  statuses: readonly ContainerStatus[],
  options: { terminal: boolean; initialized: boolean },
): PodPhase {
  const { spec } = pod;
  const find = (name: string) => statuses.find((s) => s.name === name);
  let pendingInit = 0;
  let pendingSidecars = 0;
  let failedForGood = 0;
  let unknown = 0;
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let stoppedForGood = 0;
  let succeeded = 0;

  for (const container of spec.initContainers ?? []) {
    const status = find(container.name);
    if (isSidecar(container)) {
      if (!status) unknown++;
      else if (status.state?.running) {
        if (!status.started) pendingSidecars++;
        running++;
      } else if (status.state?.terminated) continue;
      else if (status.state?.waiting) {
        if (!status.lastState?.terminated) {
          pendingSidecars++;
          waiting++;
        }
      } else {
        pendingSidecars++;
        unknown++;
      }
      continue;
    }
    const ended = status && !status.state?.running ? terminatedOf(status) : undefined;
    if (!ended) pendingInit++;
    else if (ended.exitCode !== 0 && !shouldRestart(container, spec, ended.exitCode, true)) failedForGood++;
  }

  for (const container of spec.containers) {
    const status = find(container.name);
    if (!status?.state) unknown++;
    else if (status.state.running) running++;
    else if (status.state.terminated || (status.state.waiting && status.lastState?.terminated)) {
      stopped++;
      const exitCode = terminatedOf(status)?.exitCode ?? 0;
      if (!shouldRestart(container, spec, exitCode, false)) stoppedForGood++;
      if (status.state.terminated && exitCode === 0) succeeded++;
    } else if (status.state.waiting) waiting++;
    else unknown++;
  }

  if (failedForGood > 0) return 'Failed';
  if (pendingInit > 0 || (pendingSidecars > 0 && !options.initialized) || waiting > 0) return 'Pending';
  if (running > 0 && unknown === 0) return 'Running';
  if (running === 0 && stopped > 0 && unknown === 0) {
    if (options.terminal && !isStaticPod(pod)) return stopped === succeeded ? 'Succeeded' : 'Failed';
    if (stopped !== stoppedForGood) return 'Running';
    return stopped === succeeded ? 'Succeeded' : 'Failed';
  }
  return 'Pending';
}
