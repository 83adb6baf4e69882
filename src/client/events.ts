import type { Event, ObjectReference } from '../api/gen/core-v1.ts';
import { events } from '../api/gen/resources.ts';
import { timeText } from '../api/literals.ts';
import { apiVersionOf, type KubernetesObject, type Resource } from '../api/object.ts';
import { isApiError } from '../api/status.ts';
import { messageOf } from '../base/errors.ts';
import { type Logger, silent } from '../base/log.ts';
import type { Client } from './client.ts';

/** Writes down what happened to an object, for people. Never throws, never waits: what cannot be written is dropped. */
export interface EventRecorder {
  event(about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves when everything recorded so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  client: Client;
  /** `source.component`: `kubelet`, `deployment-controller`, … */
  component: string;
  host?: string | undefined;
  log?: Logger | undefined;
  now?: (() => number) | undefined;
}

/** What an event says it is about. */
export function referenceTo<T extends KubernetesObject>(
  resource: Resource<T>,
  object: KubernetesObject,
  fieldPath?: string,
): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name,
    ...(namespace ? { namespace } : {}),
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(fieldPath ? { fieldPath } : {}),
  };
}

// As upstream's correlator: ten alike within ten minutes become one; a source may say 25 things about an object at once
// and one more every five minutes.
const similarLimit = 10;
const similarSeconds = 600;
const burst = 25;
const refillSeconds = 300;
const remembered = 4096;
const waitingAtMost = 1000;

interface Similar {
  messages: Set<string>;
  lastAt: number;
}

/** A map that forgets what was used longest ago. */
function createRecent<V>(size: number): { get(key: string): V | undefined; set(key: string, value: V): void } {
  const entries = new Map<string, V>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > size) entries.delete(entries.keys().next().value as string);
    },
  };
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, component, host, log = silent, now = Date.now } = options;
  const similar = createRecent<Similar>(remembered);
  const written = createRecent<Event>(remembered);
  const budgets = createRecent<{ tokens: number; at: number }>(remembered);
  let waiting = 0;
  let tail: Promise<void> = Promise.resolve();

  const mayWrite = (objectKey: string, at: number): boolean => {
    const budget = budgets.get(objectKey) ?? { tokens: burst, at };
    const tokens = Math.min(burst, budget.tokens + (at - budget.at) / 1000 / refillSeconds);
    budgets.set(objectKey, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    return tokens >= 1;
  };

  const write = async (
    about: ObjectReference,
    type: string,
    reason: string,
    text: string,
    at: number,
  ): Promise<void> => {
    const objectKey = [about.kind, about.namespace, about.name, about.uid, about.fieldPath].join('/');
    const groupKey = [objectKey, type, reason].join('|');
    const group = similar.get(groupKey);
    const fresh =
      group !== undefined && at - group.lastAt < similarSeconds * 1000
        ? group
        : { messages: new Set<string>(), lastAt: at };
    fresh.messages.add(text);
    fresh.lastAt = at;
    similar.set(groupKey, fresh);
    const combined = fresh.messages.size >= similarLimit;
    const message = combined ? `(combined from similar events): ${text}` : text;
    const key = combined ? groupKey : [groupKey, text].join('|');
    if (!mayWrite(objectKey, at)) return;

    const namespace = about.namespace || 'default';
    const known = written.get(key);
    if (known) {
      try {
        const body = { count: (known.count ?? 1) + 1, lastTimestamp: timeText(new Date(at)), message };
        written.set(key, await client.patch(events, known.metadata.name ?? '', { type: 'merge', body }, { namespace }));
        return;
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
    }
    const source = { component, ...(host ? { host } : {}) };
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${about.name}.${(BigInt(at) * 1_000_000n + BigInt(Math.floor(Math.random() * 1e6))).toString(16)}`,
        namespace,
      },
      involvedObject: about,
      reason,
      message,
      type,
      source,
      firstTimestamp: timeText(new Date(at)),
      lastTimestamp: timeText(new Date(at)),
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
    written.set(key, await client.create(events, event, { namespace }));
  };

  return {
    event(about, type, reason, message) {
      if (waiting >= waitingAtMost) return;
      waiting += 1;
      const at = now();
      tail = tail
        .then(() => write(about, type, reason, message, at))
        .catch((error: unknown) => {
          // Refused while its namespace goes away: nothing is lost that anybody could read.
          if (!isApiError(error, 'Forbidden') && !isApiError(error, 'NotFound')) {
            log.warn('an event was not written', { reason, error: messageOf(error) });
          }
        })
        .finally(() => {
          waiting -= 1;
        });
    },
    flush: () => tail,
  };
}
