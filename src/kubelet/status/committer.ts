import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '../../api/gen/core-v1.ts';
import { pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { createBackoff, delay } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { NodePod } from '../pod/pod.ts';
import type { StatusSink } from '../worker/services.ts';
import { statusPatch } from './patch.ts';

interface Entry {
  pod: NodePod;
  wanted: PodStatus;
  /** The API's object after the last write from here. */
  written: Pod | undefined;
  dirty: boolean;
  writing: Promise<void> | undefined;
}

const revision = (pod: Pod | undefined): number => Number(pod?.metadata?.resourceVersion ?? 0) || 0;

/**
 * Writes pods' statuses to the API: one write at a time per pod, each with all that has changed until then. While the
 * API cannot be reached the newest status waits.
 */
export function createStatusCommitter(options: {
  client: Client;
  /** The object in the API that stands for the pod: itself, or the mirror of a static pod. */
  objectOf: (pod: NodePod) => Pod | undefined;
  log: Logger;
}): StatusSink & { stop(): void; get(podUid: string): PodStatus | undefined } {
  const { client, objectOf, log } = options;
  const entries = new Map<string, Entry>();
  const lifetime = new AbortController();

  /** Whether the API has another pod of that name by now, or none; while nobody can tell, it has not. */
  const isAnother = async ({ metadata }: Pod): Promise<boolean> => {
    const { name = '', namespace, uid } = metadata;
    try {
      return (await client.get(pods, name, { namespace, signal: lifetime.signal })).metadata.uid !== uid;
    } catch (error) {
      return isApiError(error, 'NotFound');
    }
  };

  const write = async (entry: Entry): Promise<void> => {
    const backoff = createBackoff({ initialMs: 200, maxMs: 10_000 });
    while (entry.dirty && !lifetime.signal.aborted) {
      entry.dirty = false;
      const object = objectOf(entry.pod);
      if (!object) return;
      const base = revision(entry.written) > revision(object) ? (entry.written as Pod) : object;
      const patch = statusPatch(base.status ?? {}, entry.wanted);
      if (!patch) return;
      const { name = '', namespace, uid } = object.metadata ?? {};
      try {
        entry.written = await client.patch(
          pods,
          name,
          { type: 'strategic', body: { metadata: { uid }, status: patch } },
          { namespace, subresource: 'status', signal: lifetime.signal },
        );
        backoff.reset();
      } catch (error) {
        if (isApiError(error, 'NotFound') || (isApiError(error, 'Conflict') && (await isAnother(object)))) {
          log.debug('the pod is gone or another one', { pod: `${namespace}/${name}` });
          return;
        }
        if (lifetime.signal.aborted) return;
        log.warn('status could not be written', { pod: `${namespace}/${name}`, error: messageOf(error) });
        entry.dirty = true;
        await delay(backoff.next(), lifetime.signal);
      }
    }
  };

  const flush = (entry: Entry): void => {
    entry.dirty = true;
    entry.writing ??= write(entry).finally(() => {
      entry.writing = undefined;
    });
  };

  return {
    current: (pod) => entries.get(pod.metadata.uid)?.wanted ?? pod.status ?? {},
    get: (podUid) => entries.get(podUid)?.wanted,
    set(pod, status) {
      const { uid } = pod.metadata;
      const known = entries.get(uid);
      if (!known) {
        const entry: Entry = { pod, wanted: status, written: undefined, dirty: false, writing: undefined };
        entries.set(uid, entry);
        return flush(entry);
      }
      const same = isDeepStrictEqual(known.wanted, status) && known.pod === pod;
      known.pod = pod;
      known.wanted = status;
      if (!same) flush(known);
    },
    async settled(podUid) {
      await entries.get(podUid)?.writing;
    },
    forget: (podUid) => void entries.delete(podUid),
    stop: () => lifetime.abort(),
  };
}
