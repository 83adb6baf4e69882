import type { SandboxConfig, SandboxStatus } from '../../cri/types.ts';
import type { NodePod, PodContainer } from '../pod/pod.ts';
import type { StartFailure } from '../status/container-statuses.ts';
import { createKeyedBackoff } from './backoff.ts';
import type { PodView } from './pod-view.ts';
import type { WorkerServices } from './services.ts';
import { startContainer } from './start-container.ts';

/** The starts of one pod's containers, with what failed and when each may be tried again. */
export interface ContainerStarts {
  readonly failures: ReadonlyMap<string, StartFailure>;
  /**
   * Starts the containers in order as far as they may now; an init container that does not start holds back what comes
   * after it. Answers whether any was started, and after how many ms the next try is due.
   */
  run(at: {
    pod: NodePod;
    items: readonly PodContainer[];
    view: PodView;
    sandbox: SandboxStatus;
    sandboxConfig: SandboxConfig;
    cancelled: () => boolean;
  }): Promise<{ started: boolean; retryMs: number }>;
  /** What the containers need has changed: waiting makes no sense any more. */
  retryNow(): void;
}

export function createContainerStarts(services: WorkerServices): ContainerStarts {
  const { now } = services;
  const failures = new Map<string, StartFailure>();
  const notBefore = new Map<string, number>();
  const retries = createKeyedBackoff({ initialMs: 500, maxMs: 120_000, now });
  return {
    failures,
    retryNow: () => notBefore.clear(),
    async run({ items, cancelled, ...at }) {
      let started = false;
      let retryMs = Number.POSITIVE_INFINITY;
      let held = false;
      for (const item of items) {
        if (cancelled() || (held && item.kind !== 'ephemeral')) break;
        const { name } = item.container;
        let waitMs = (notBefore.get(name) ?? 0) - now();
        if (waitMs <= 0) {
          const failure = await startContainer(services, { ...at, item });
          if (!failure) {
            started = true;
            failures.delete(name);
            notBefore.delete(name);
            retries.reset(name);
            continue;
          }
          failures.set(name, { reason: failure.reason, message: failure.message });
          if (failure.retryMs === undefined) retries.next(name);
          waitMs = failure.retryMs ?? retries.get(name);
          notBefore.set(name, now() + waitMs);
        }
        retryMs = Math.min(retryMs, waitMs);
        if (item.kind === 'init') held = true;
      }
      return { started, retryMs };
    },
  };
}
