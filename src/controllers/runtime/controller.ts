import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KubernetesObject } from '../../api/object.ts';
import { ApiError, isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf, toError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type Informer, keyOf } from '../../client/informer.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

/** When to look at the key again though nothing has changed; undefined: only when something does. */
export type Outcome = undefined | { requeueAfterMs: number | undefined };

/** What a controller looks at: an informer, and for each of its objects the keys to reconcile. */
export interface Watch {
  readonly informer: Informer<KubernetesObject>;
  add(object: KubernetesObject): void;
  update(object: KubernetesObject, old: KubernetesObject): void;
  delete(object: KubernetesObject): void;
}

export interface ControllerOptions {
  name: string;
  log: Logger;
  watches: (queue: WorkQueue) => readonly Watch[];
  /** Brings one key to its desired state. What it throws is logged and the key tried again, later each time. */
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>;
  /** Keys reconciled at the same time. Default 5. */
  workers?: number;
  /** Longest wait after failures. */
  maxBackoffMs?: number;
  /** Runs once the informers are filled, before the first key; `queue` for keys that no informer brings. */
  onStart?(queue: WorkQueue): void;
  onStop?(): void;
}

type Keys = string | readonly string[] | undefined;

const each = (keys: Keys, act: (key: string) => void): void => {
  if (keys === undefined) return;
  if (typeof keys === 'string') act(keys);
  else for (const key of keys) act(key);
};

/**
 * Watches an informer: every change of an object adds the keys that `keys` gives, for its old and its new state.
 * `matters` may drop updates that change nothing of interest.
 */
export function watching<T extends KubernetesObject>(
  queue: WorkQueue,
  informer: Informer<T>,
  keys: (object: T) => Keys = keyOf,
  matters: (object: T, old: T) => boolean = () => true,
): Watch {
  const put = (object: T): void => each(keys(object), queue.add);
  return {
    informer: informer as unknown as Informer<KubernetesObject>,
    add: put as (object: KubernetesObject) => void,
    update: ((object: T, old: T) => {
      if (!matters(object, old)) return;
      put(old);
      put(object);
    }) as Watch['update'],
    delete: put as (object: KubernetesObject) => void,
  };
}

const isExpected = (error: unknown): boolean =>
  isApiError(error, 'Conflict') || isApiError(error, 'NotFound') || isApiError(error, 'AlreadyExists');

/** What the server refused is told in its words; anything else is ours, and told with where it happened. */
const detailsOf = (error: unknown): string =>
  error instanceof ApiError ? error.message : (toError(error).stack ?? messageOf(error));

/** The worker loop, written once: informers filled, then keys taken one by one by a few workers. */
export function createController(options: ControllerOptions): Component {
  const { name, log, reconcile, workers = 5 } = options;
  const queue = createWorkQueue(options.maxBackoffMs === undefined ? {} : { maxBackoffMs: options.maxBackoffMs });
  const lifetime = new AbortController();
  const removers: (() => void)[] = [];
  const loops: Promise<void>[] = [];

  const work = async (): Promise<void> => {
    for (;;) {
      const key = await queue.take();
      if (key === undefined) return;
      try {
        const outcome = await reconcile(key, lifetime.signal);
        queue.forget(key);
        if (outcome?.requeueAfterMs !== undefined) queue.addAfter(key, Math.max(1, outcome.requeueAfterMs));
      } catch (error) {
        if (lifetime.signal.aborted) return;
        if (isExpected(error)) log.debug('tried again', { key, why: messageOf(error) });
        else log.warn('could not be reconciled', { key, error: detailsOf(error) });
        queue.addRateLimited(key);
      } finally {
        queue.done(key);
      }
      await nextTurn();
    }
  };

  return {
    name,
    async start() {
      const watches = options.watches(queue);
      await Promise.all(watches.map((w) => w.informer.synced));
      for (const watch of watches) removers.push(watch.informer.addHandler(watch));
      options.onStart?.(queue);
      for (let i = 0; i < workers; i++) loops.push(work());
    },
    async stop() {
      lifetime.abort();
      for (const remove of removers.splice(0)) remove();
      queue.close();
      options.onStop?.();
      await Promise.all(loops);
    },
  };
}

/** One concern: changes what it is given, or acts; `stop` leaves the rest of the list out this time. */
export type Step<S> = (state: S) => Promise<Outcome | 'stop'> | Outcome | 'stop';

/** Runs the steps in order; the earliest time that any of them asks for holds. */
export async function runSteps<S>(steps: readonly Step<S>[], state: S): Promise<Outcome> {
  let soonest: number | undefined;
  for (const step of steps) {
    const outcome = await step(state);
    if (outcome === 'stop') break;
    const ms = outcome?.requeueAfterMs;
    if (ms !== undefined && (soonest === undefined || ms < soonest)) soonest = ms;
  }
  return soonest === undefined ? undefined : { requeueAfterMs: soonest };
}
