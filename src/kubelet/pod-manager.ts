import type { Pod } from '../api/gen/core-v1.ts';
import { pods } from '../api/gen/resources.ts';
import { isApiError } from '../api/status.ts';
import { delay } from '../base/abort.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { isMirrorPod, isNodePod, type NodePod } from './pod/pod.ts';
import type { Verdict } from './status/generate.ts';
import { createPodWorker, type PodWorker } from './worker/pod-worker.ts';
import type { WorkerServices } from './worker/services.ts';

/** All pods of this node and their workers. */
export interface PodManager {
  readonly workers: ReadonlyMap<string, PodWorker>;
  /** A pod of the API or of a file is there or has changed. */
  upsert(pod: Pod): void;
  /** It is gone from where it came from. */
  gone(pod: Pod): void;
  byName(namespace: string, name: string): PodWorker | undefined;
  wake(podUid: string, options?: { volumes?: boolean }): void;
  wakeAll(): void;
  /** Mirrors in the API whose static pod is not here. */
  strayMirrors(): Pod[];
  /** The object in the API for a pod: itself or its mirror. */
  apiObject(pod: NodePod): Pod | undefined;
  stop(): Promise<void>;
}

const stopMs = 2000;
const hashAnnotation = 'kubernetes.io/config.hash';

export function createPodManager(options: {
  services: WorkerServices;
  client: Client;
  admit: (pod: NodePod, others: readonly NodePod[]) => Promise<Verdict | undefined>;
  resizeRefusal: (
    pod: NodePod,
    others: readonly NodePod[],
  ) => { reason: 'Deferred' | 'Infeasible'; message: string } | undefined;
  log: Logger;
}): PodManager {
  const { services, client, log } = options;
  const workers = new Map<string, PodWorker>();
  const waiting = new Map<string, Pod>();
  /** The API's version of each pod; mirrors by the uid of their static pod. */
  const objects = new Map<string, Pod>();

  const fromFile = (pod: Pod): boolean =>
    pod.metadata.annotations?.['kubernetes.io/config.source'] === 'file' && !isMirrorPod(pod);

  const ownUid = (pod: Pod): string =>
    (isMirrorPod(pod) ? pod.metadata?.annotations?.[hashAnnotation] : undefined) ?? pod.metadata?.uid ?? '';

  const deleteObject = async (pod: NodePod): Promise<void> => {
    const object = objects.get(pod.metadata.uid);
    if (!object || isMirrorPod(object)) return;
    const { name, namespace, uid } = pod.metadata;
    try {
      await client.delete(pods, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
  };

  const begin = (pod: NodePod): void => {
    const { uid } = pod.metadata;
    const others = (): NodePod[] =>
      [...workers.values()].filter((w) => w.pod.metadata.uid !== uid && w.stateName === 'running').map((w) => w.pod);
    const worker = createPodWorker({
      services,
      pod,
      admit: (candidate) => options.admit(candidate, others()),
      resizeRefusal: (candidate) => options.resizeRefusal(candidate, others()),
      deleteObject,
      finished: (finishedUid) => {
        workers.delete(finishedUid);
        services.status.forget(finishedUid);
        // A static pod of the same name that came meanwhile takes its turn.
        const next = waiting.get(finishedUid);
        waiting.delete(finishedUid);
        if (next && isNodePod(next)) begin(next);
      },
    });
    workers.set(uid, worker);
    worker.wake();
  };

  return {
    workers,
    apiObject: (pod) => objects.get(pod.metadata.uid),
    upsert(pod) {
      if (!isNodePod(pod)) return log.warn('a pod without identity is left alone', { pod: pod.metadata?.name ?? '' });
      const uid = ownUid(pod);
      if (!fromFile(pod)) objects.set(uid, pod);
      if (isMirrorPod(pod)) {
        workers.get(uid)?.wake();
        return;
      }
      const known = workers.get(uid);
      if (known) known.update(pod);
      else begin(pod);
    },
    gone(pod) {
      const uid = ownUid(pod);
      if (!fromFile(pod)) objects.delete(uid);
      if (isMirrorPod(pod)) {
        workers.get(uid)?.wake();
        return;
      }
      if (isNodePod(pod)) workers.get(uid)?.remove(pod);
    },
    strayMirrors: () => [...objects].flatMap(([uid, pod]) => (isMirrorPod(pod) && !workers.has(uid) ? [pod] : [])),
    byName(namespace, name) {
      const found = [...workers.values()].filter(
        (w) => w.pod.metadata.name === name && w.pod.metadata.namespace === namespace,
      );
      return found.find((w) => w.stateName === 'running') ?? found[0];
    },
    wake: (podUid, wakeOptions) => workers.get(podUid)?.wake(wakeOptions),
    wakeAll() {
      for (const worker of workers.values()) worker.wake();
    },
    async stop() {
      const ends = [...workers.values()].map((w) =>
        w.abandon().catch((error: unknown) => log.warn('a pod worker ended badly', { error: messageOf(error) })),
      );
      // What a worker waits for (a pull, a stop) may take long and goes on in the runtime without it.
      const limit = new AbortController();
      await Promise.race([Promise.all(ends), delay(stopMs, limit.signal)]);
      limit.abort();
    },
  };
}
