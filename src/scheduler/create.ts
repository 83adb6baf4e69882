import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Node, Pod } from '../api/gen/core-v1.ts';
import { namespaces, nodes, poddisruptionbudgets, pods } from '../api/gen/resources.ts';
import type { Component } from '../base/component.ts';
import { messageOf, toError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder, referenceTo } from '../client/events.ts';
import type { InformerFactory } from '../client/informer.ts';
import { createBinder } from './bind.ts';
import { createCache } from './cache.ts';
import { createDecider, type Decision, refusalText } from './cycle.ts';
import { createDefaultSelector } from './default-selector.ts';
import { isTerminal, nodeMatters, podMatters } from './events.ts';
import type { ClusterChange } from './plugin.ts';
import { createVolumePlugins } from './plugins/volumes.ts';
import { type PodInfo, podInfoOf } from './pod-info.ts';
import { findVictims } from './preemption.ts';
import { defaultProfile } from './profile.ts';
import { createSchedulingQueue } from './queue.ts';

export interface SchedulerOptions {
  client: Client;
  /** Shared with the other parts of the process; started here if nobody has. */
  informers: InformerFactory;
  log: Logger;
  name?: string | undefined;
}

/** After this long at one go others get their turn. */
const sliceMs = 5;

/** Gives every pod that asks for this scheduler a node. */
export function createScheduler(options: SchedulerOptions): Component {
  const { client, informers, log, name = 'default-scheduler' } = options;
  const recorder = createEventRecorder({ client, component: name, log });
  const podInformer = informers.informer(pods);
  const nodeInformer = informers.informer(nodes);
  const namespaceInformer = informers.informer(namespaces);
  const budgets = informers.informer(poddisruptionbudgets);
  const volumes = createVolumePlugins({ client, informers, onChange: () => queue.changed('storage') });
  const plugins = defaultProfile({
    namespaceLabels: (ns) => namespaceInformer.get(ns)?.metadata.labels,
    namespaces: () => namespaceInformer.list().map((n) => n.metadata.name ?? ''),
    defaultSelector: createDefaultSelector(informers),
    volumes: volumes.plugins,
  });
  const decider = createDecider(plugins);
  const cache = createCache();
  const lifetime = new AbortController();
  const removers: (() => void)[] = [];
  let running: Promise<void> | undefined;
  let wake: () => void = () => {};
  const queue = createSchedulingQueue({ onReady: () => wake() });
  const binder = createBinder({ client, informer: podInformer, recorder, plugins, log, signal: lifetime.signal });

  const wakesOf = (names: ReadonlySet<string>): Set<ClusterChange> =>
    new Set(plugins.filter((p) => names.has(p.name)).flatMap((p) => p.wakes));

  const enqueue = (pod: Pod): void => {
    if (pod.metadata.deletionTimestamp !== undefined) {
      queue.remove(pod.metadata.uid ?? '');
      cache.removePod(pod.metadata.uid ?? '');
      return;
    }
    const info = podInfoOf(pod);
    for (const plugin of plugins) {
      const refusal = plugin.preEnqueue?.(info);
      if (!refusal) continue;
      queue.remove(info.uid);
      void binder.gated(info, refusal.reasons.join(', '));
      return;
    }
    queue.add(info);
  };

  const onPod = (pod: Pod, old: Pod | undefined): void => {
    const uid = pod.metadata.uid ?? '';
    if (pod.spec?.nodeName && !isTerminal(pod)) {
      queue.remove(uid);
      const isNew = old === undefined || !old.spec?.nodeName;
      if (!isNew && !podMatters(pod, old)) return;
      cache.setPod(pod);
      queue.changed(isNew ? 'pod-added' : 'pod-changed');
    } else if (pod.spec?.nodeName || isTerminal(pod)) {
      queue.remove(uid);
      const counted = cache.nodeOf(uid) !== undefined;
      cache.removePod(uid);
      if (counted) queue.changed('pod-removed');
    } else if ((pod.spec?.schedulerName ?? 'default-scheduler') === name && !cache.isAssumed(uid)) {
      // Its own status writes are no reason to try again.
      if (old && queue.has(uid) && !podMatters(pod, old)) return;
      if (old && !queue.has(uid) && !podMatters(pod, old)) return;
      enqueue(pod);
    }
  };

  const onPodGone = (pod: Pod): void => {
    const uid = pod.metadata.uid ?? '';
    queue.remove(uid);
    const counted = cache.nodeOf(uid) !== undefined;
    cache.removePod(uid);
    if (counted) queue.changed('pod-removed');
  };

  const refused = async (pod: PodInfo, decision: Extract<Decision, { node: undefined }>): Promise<void> => {
    const { diagnosis } = decision;
    const found = findVictims({ plugins, pod, view: cache, diagnosis, budgets: budgets.list() });
    const wakes = wakesOf(diagnosis.plugins);
    // Without any node there is nothing that refused: the first node changes everything.
    wakes.add('node-added');
    if ('candidate' in found) {
      wakes.add('pod-removed');
      cache.nominate(pod, found.candidate.node);
    } else {
      cache.nominate(pod, undefined);
    }
    queue.refused(pod, wakes);
    const after = 'message' in found ? found.message : '';
    await binder.refused(pod, refusalText(diagnosis, after), found);
  };

  const place = async (pod: PodInfo, decision: Extract<Decision, { node: string }>): Promise<void> => {
    const { node, cycle } = decision;
    try {
      await binder.bind(cycle, node);
      queue.succeeded(pod.uid);
    } catch (error) {
      for (const plugin of plugins) plugin.unreserve?.(cycle, node);
      cache.forget(pod.uid);
      queue.changed('pod-removed');
      if (lifetime.signal.aborted) return;
      const fresh = podInformer.get(pod.pod.metadata.name ?? '', pod.namespace);
      if (!fresh || fresh.metadata.uid !== pod.uid || fresh.spec?.nodeName) return;
      log.warn('a pod was not bound', { pod: pod.key, node, error: messageOf(error) });
      recorder.event(referenceTo(pods, pod.pod), 'Warning', 'FailedScheduling', messageOf(error));
      queue.failed(podInfoOf(fresh));
    }
  };

  /** The pod as it is by now; undefined when it needs no node any more. */
  const refreshed = (queued: PodInfo): PodInfo | undefined => {
    const fresh = podInformer.get(queued.pod.metadata.name ?? '', queued.namespace);
    if (fresh === queued.pod) return queued;
    if (!fresh || fresh.metadata.uid !== queued.uid || fresh.spec?.nodeName) return undefined;
    return podInfoOf(fresh);
  };

  const scheduleOne = (queued: PodInfo): void => {
    const pod = refreshed(queued);
    if (!pod) return;
    const decision = decider.decide(pod, cache);
    if (decision.node === undefined) {
      void refused(pod, decision).catch((error: unknown) => {
        if (!lifetime.signal.aborted) log.warn('a refusal was not written', { pod: pod.key, error: messageOf(error) });
      });
      return;
    }
    cache.assume(pod, decision.node);
    for (const plugin of plugins) plugin.reserve?.(decision.cycle, decision.node);
    void place(pod, decision);
  };

  const loop = async (): Promise<void> => {
    let began = performance.now();
    while (!lifetime.signal.aborted) {
      const pod = queue.take();
      if (!pod) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = () => {};
        began = performance.now();
        continue;
      }
      try {
        scheduleOne(pod);
      } catch (error) {
        log.error('a pod could not be scheduled', { pod: pod.key, error: toError(error).stack ?? messageOf(error) });
        recorder.event(referenceTo(pods, pod.pod), 'Warning', 'FailedScheduling', messageOf(error));
        queue.failed(pod);
      }
      if (performance.now() - began > sliceMs) {
        await nextTurn();
        began = performance.now();
      }
    }
  };

  return {
    name: 'scheduler',
    async start() {
      informers.start();
      await Promise.all([podInformer.synced, nodeInformer.synced, namespaceInformer.synced, budgets.synced]);
      removers.push(await volumes.start());
      removers.push(
        nodeInformer.addHandler({
          add(node: Node) {
            cache.setNode(node);
            queue.changed('node-added');
          },
          update(node: Node, old: Node) {
            if (!nodeMatters(node, old)) return;
            cache.setNode(node);
            queue.changed('node-changed');
          },
          delete: (node: Node) => cache.removeNode(node.metadata.name ?? ''),
        }),
        podInformer.addHandler({ add: (p) => onPod(p, undefined), update: onPod, delete: onPodGone }),
      );
      running = loop();
    },
    async stop() {
      lifetime.abort();
      for (const remove of removers.splice(0)) remove();
      queue.close();
      wake();
      await running;
    },
  };
}
