import type { Container } from '../../api/gen/core-v1.ts';
import { goErrorText } from '../../cri/channel.ts';
import { restoreContainer } from '../pod/labels.ts';
import { containersOf, type NodePod, type PodContainer, podText } from '../pod/pod.ts';
import { killContainer } from './kill-container.ts';
import type { ContainerView, PodView } from './pod-view.ts';
import type { WorkerServices } from './services.ts';

/** How to stop a container whose specification nobody has any more. */
function restored(view: ContainerView): PodContainer {
  const { container } = restoreContainer(view.name, view.annotations);
  return { kind: 'main', sidecar: false, container: container as Container };
}

/**
 * Ends every container of the pod, all at once, except that sidecars get their signal when the main containers have
 * ended, the last sidecar first. Answers whether nothing runs now (false when `signal` cut it short).
 */
export async function terminatePod(
  services: WorkerServices,
  at: {
    pod: NodePod;
    view: PodView;
    podIP: string;
    graceSeconds: number;
    signal: AbortSignal;
    quiet: boolean;
    progress: () => Promise<void>;
  },
): Promise<boolean> {
  const { pod, view, signal } = at;
  const items = containersOf(pod);
  const alive = view.containers.filter((c) => c.state === 'CONTAINER_RUNNING' || c.state === 'CONTAINER_UNKNOWN');
  const ended = new Map<string, PromiseWithResolvers<void>>();
  const rank = (item: PodContainer): number => (item.sidecar ? items.indexOf(item) : Number.POSITIVE_INFINITY);
  const work = alive.map((container) => ({
    container,
    item: items.find((i) => i.container.name === container.name) ?? restored(container),
  }));
  for (const { container } of work) ended.set(container.id, Promise.withResolvers<void>());

  const failed: string[] = [];
  await Promise.all(
    work.map(async ({ container, item }) => {
      const before = work.filter((other) => item.sidecar && rank(other.item) > rank(item));
      const turn = Promise.all(before.map((other) => ended.get(other.container.id)?.promise)).then(() => {});
      try {
        await killContainer(services, {
          pod,
          item,
          view: container,
          message: '',
          reason: '',
          podIP: at.podIP,
          graceSeconds: at.graceSeconds,
          signal,
          quiet: at.quiet,
          ...(before.length > 0 ? { turn } : {}),
        });
      } catch (error) {
        failed.push(goErrorText(error));
      } finally {
        ended.get(container.id)?.resolve();
      }
      if (!signal.aborted && work.length > 1) await at.progress();
    }),
  );
  if (signal.aborted) return false;
  if (failed.length > 0) {
    services.event(pod, undefined, 'Warning', 'FailedKillPod', `error killing pod: ${failed.join(', ')}`);
    throw new Error(`${podText(pod)}: ${failed.join(', ')}`);
  }
  return true;
}
