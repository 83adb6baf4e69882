import { messageOf } from '../../base/errors.ts';
import type { NodePod, PodContainer } from '../pod/pod.ts';
import { runHook } from './hooks.ts';
import type { KillReason } from './plan.ts';
import type { ContainerView } from './pod-view.ts';
import type { WorkerServices } from './services.ts';

const minimumGraceSeconds = 2;

/** The seconds that a container has to end by itself. */
export function graceSecondsOf(pod: NodePod, item: PodContainer, reason: KillReason): number {
  const own = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  const probe =
    reason === 'LivenessProbe'
      ? item.container.livenessProbe
      : reason === 'StartupProbe'
        ? item.container.startupProbe
        : undefined;
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  return probe?.terminationGracePeriodSeconds ?? own;
}

/**
 * Ends one container: pre-stop hook, then its stop signal, then the kill when the grace period is over. The hook counts
 * into the grace period, of which at least two seconds are left for the signal. `turn` is awaited between the two, for
 * containers that must outlive others. An abort leaves the container as it is at that moment.
 */
export async function killContainer(
  services: WorkerServices,
  at: {
    pod: NodePod;
    item: PodContainer;
    view: ContainerView;
    message: string;
    reason: KillReason;
    podIP: string;
    graceSeconds?: number;
    turn?: Promise<void>;
    signal?: AbortSignal;
    quiet?: boolean;
  },
): Promise<void> {
  const { pod, item, view, reason, podIP, signal } = at;
  const { container } = item;
  const grace = at.graceSeconds ?? graceSecondsOf(pod, item, reason);
  if (!at.quiet)
    services.event(
      pod,
      item,
      'Normal',
      'Killing',
      at.message === '' ? `Stopping container ${container.name}` : at.message,
    );
  const began = services.now();
  const left = (): number => grace - Math.floor((services.now() - began) / 1000);
  const preStop = container.lifecycle?.preStop;
  if (preStop && grace > 0 && !at.quiet) {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), grace * 1000);
    const stop = (): void => limit.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const over = new Promise<void>((resolve) =>
      limit.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    try {
      const hook = runHook({
        runtime: services.runtime,
        handler: preStop,
        container,
        containerId: view.id,
        podIP,
        signal: limit.signal,
      });
      hook.catch(() => {});
      await Promise.race([hook, over]);
    } catch (error) {
      services.event(pod, item, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      services.log.info('pre-stop hook failed', { container: container.name, error: messageOf(error) });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }
  if (at.turn && left() > 0) {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, left() * 1000);
    signal?.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([at.turn, late]);
    clearTimeout(timer);
  }
  if (signal?.aborted) return;
  try {
    await services.runtime.stopContainer(view.id, Math.max(minimumGraceSeconds, left()), signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
