import type { Node } from '../api/gen/core-v1.ts';
import { delay } from '../base/abort.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { ContainerRuntime } from '../cri/runtime.ts';
import { cleanOrphans } from './housekeeping.ts';
import { rotateLog } from './log-rotation.ts';
import type { KubeletOptions } from './options.ts';
import { isStaticPod } from './pod/pod.ts';
import type { PodCgroups } from './pod-cgroups.ts';
import type { PodManager } from './pod-manager.ts';
import { ensureMirror, removeMirror } from './static-pods.ts';
import type { VolumeManager } from './volumes/manager.ts';

const orphansMs = 300_000;
const logsMs = 10_000;
const mirrorsMs = 10_000;

/** The kubelet's slow rounds: orphans, log files, mirrors of static pods. Each runs when there is something for it. */
export function createUpkeep(options: {
  kubelet: KubeletOptions;
  runtime: ContainerRuntime;
  manager: PodManager;
  volumes: VolumeManager;
  podCgroups: PodCgroups;
  /** Resolves when the API's pods of this node have been heard. */
  allPodsKnown: Promise<void>;
  node: () => Node | undefined;
  log: Logger;
}): { start(): void; stop(): Promise<void> } {
  const { kubelet, runtime, manager, volumes, podCgroups, allPodsKnown, node, log } = options;
  const lifetime = new AbortController();
  const { maxBytes, maxFiles } = kubelet.containerLogs ?? { maxBytes: 10 * 1024 * 1024, maxFiles: 5 };
  let running: Promise<unknown> | undefined;

  const every = async (ms: number, what: string, work: () => Promise<void>): Promise<void> => {
    while (!lifetime.signal.aborted) {
      await work().catch((error: unknown) => log.warn(`${what} failed`, { error: messageOf(error) }));
      await delay(ms, lifetime.signal);
    }
  };

  const orphans = (): Promise<void> =>
    cleanOrphans({
      runtime,
      volumes,
      podCgroups,
      podLogsDir: kubelet.podLogsDir,
      containerLogsDir: kubelet.containerLogsDir,
      known: (uid) => manager.workers.has(uid),
      log,
    });

  const logs = async (): Promise<void> => {
    for (const worker of manager.workers.values())
      for (const container of worker.view.containers)
        if (container.state === 'CONTAINER_RUNNING' && container.logPath !== '')
          await rotateLog({ runtime, containerId: container.id, path: container.logPath, maxBytes, maxFiles });
  };

  const mirrors = async (): Promise<void> => {
    const { client } = kubelet;
    for (const { pod, stateName } of manager.workers.values())
      if (isStaticPod(pod) && stateName === 'running')
        await ensureMirror({ client, pod, existing: manager.apiObject(pod), node: node() });
    for (const stray of manager.strayMirrors()) await removeMirror(client, stray);
  };

  return {
    start() {
      running ??= (async () => {
        // Before the API has answered, a pod that is not known may only be not known yet.
        const stopped = new Promise<void>((resolve) => lifetime.signal.addEventListener('abort', () => resolve()));
        const early = every(logsMs, 'the rotation of logs', logs);
        await Promise.race([allPodsKnown.catch(() => {}), stopped]);
        await Promise.all([
          early,
          every(orphansMs, 'the removal of what was left', orphans),
          kubelet.staticPodDir ? every(mirrorsMs, 'showing static pods', mirrors) : undefined,
        ]);
      })();
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
