import { randomInt } from 'node:crypto';
import type { ObjectReference, Pod, PodTemplateSpec } from '../../api/gen/core-v1.ts';
import type { OwnerReference } from '../../api/gen/meta-v1.ts';
import { pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';

/** Makes and deletes pods for a controller, tells about it by events, and keeps the informer abreast. */
export interface PodControl {
  create(options: CreatePod): Promise<Pod>;
  /** Not found is fine. */
  delete(pod: Pod, about: ObjectReference): Promise<void>;
  /** Deleted by this process though the informer may not show it yet. */
  isBeingDeleted(pod: Pod): boolean;
}

export interface CreatePod {
  namespace: string;
  /** A full name, or the prefix of one that is made up. */
  name?: string;
  generateName?: string;
  template: PodTemplateSpec;
  owner: OwnerReference;
  about: ObjectReference;
  /** Last changes before the pod is sent. */
  shape?: (pod: Pod) => void;
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Five characters that spell no word. */
export function nameSuffix(): string {
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** True for the refusal to make anything in a namespace that is going away. */
export function isNamespaceTerminating(error: unknown): boolean {
  return isApiError(error) && (error.status.details?.causes ?? []).some((c) => c.reason === 'NamespaceTerminating');
}

export function podFromTemplate(options: CreatePod): Pod {
  const { namespace, name, generateName, template, owner } = options;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      ...(name ? { name } : { generateName: generateName ?? '' }),
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [owner],
    },
    spec: structuredClone(template.spec ?? { containers: [] }),
  };
  options.shape?.(pod);
  return pod;
}

export function createPodControl(options: {
  client: Client;
  recorder: EventRecorder;
  informer: Informer<Pod>;
}): PodControl {
  const { client, recorder, informer } = options;
  const deleting = new Set<string>();
  informer.addHandler({
    update: (pod) => void (pod.metadata.deletionTimestamp && deleting.delete(pod.metadata.uid ?? '')),
    delete: (pod) => void deleting.delete(pod.metadata.uid ?? ''),
  });

  return {
    async create(wanted) {
      const pod = podFromTemplate(wanted);
      let made: Pod;
      try {
        made = await client.create(pods, pod);
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          recorder.event(wanted.about, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
        }
        throw error;
      }
      informer.observe(made);
      recorder.event(wanted.about, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata.name}`);
      return made;
    },
    async delete(pod, about) {
      const { name = '', namespace, uid = '' } = pod.metadata;
      deleting.add(uid);
      try {
        await client.delete(pods, name, { namespace, preconditions: { uid } });
      } catch (error) {
        deleting.delete(uid);
        if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return;
        recorder.event(about, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
        throw error;
      }
      recorder.event(about, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    },
    isBeingDeleted: (pod) => deleting.has(pod.metadata.uid ?? ''),
  };
}
