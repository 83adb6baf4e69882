import type { Node } from '../../api/gen/core-v1.ts';
import { nodes } from '../../api/gen/resources.ts';
import { isNodeReady } from '../../api/node.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { type EventRecorder, referenceTo } from '../../client/events.ts';
import { keyOf } from '../../client/informer.ts';
import { kindOf, optionsOf, sourceOf } from './decide.ts';
import { cordon, drainNode, uncordon } from './drain.ts';
import { type Plan, planLabel, plans } from './plan.ts';
import { atWorkFor, reportOf, requestAnnotation, requestOf, statusAnnotation, type UpgradeRequest } from './request.ts';

export interface NodeResult {
  readonly state: 'working' | 'done' | 'failed';
  readonly text: string;
}

export interface Target {
  readonly version: string;
  readonly hash: string;
}

/** Brings one node after the other to what a plan wants, a step at each call. */
export interface Applier {
  apply(plan: Plan, node: Node, target: Target): Promise<NodeResult>;
  /** A plan is no more, or another: no node is drained any longer as it said. */
  forget(plan: string): void;
  /** A plan is no more, or about other nodes: when this one has ended what it was asked, it is as if it never had been. */
  release(plan: string, node: Node): Promise<Node>;
  /** Resolves when no drain is under way any more. */
  settled(): Promise<void>;
}

interface Drain {
  readonly state: 'working' | 'done' | 'failed';
  /** What still runs, or what it failed of. */
  readonly text: string;
  readonly stop: AbortController;
}

export function createApplier(options: {
  client: Client;
  recorder: EventRecorder;
  log: Logger;
  now: () => number;
  signal: AbortSignal;
}): Applier {
  const { client, recorder, log, now, signal } = options;
  const drains = new Map<string, Drain>();
  const running = new Set<Promise<void>>();
  const idOf = (plan: Plan, node: string, hash: string): string => `${keyOf(plan)} ${node} ${hash}`;

  /** Begun once; its end wakes nobody, the next look at the plan sees it. */
  const drain = (plan: Plan, node: string, hash: string): Drain => {
    const id = idOf(plan, node, hash);
    const known = drains.get(id);
    if (known !== undefined) return known;
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    const put = (state: Drain['state'], text: string): Drain => {
      const now: Drain = { state, text, stop };
      if (!ended.aborted) drains.set(id, now);
      return now;
    };
    const begun = put('working', '');
    const work = drainNode(client, node, plan.spec?.drain ?? {}, {
      signal: ended,
      note: (text) => put('working', text),
    })
      .then(() =>
        client.patch(nodes, node, { type: 'merge', body: { metadata: { annotations: { [drainedKey]: hash } } } }),
      )
      .then(() => void put('done', ''))
      .catch((error: unknown) => {
        if (ended.aborted) return;
        log.warn('a node was not drained', { node, error: messageOf(error) });
        put('failed', messageOf(error));
      })
      .finally(() => running.delete(work));
    running.add(work);
    return begun;
  };

  const ask = async (plan: Plan, node: Node, { version, hash }: Target): Promise<NodeResult> => {
    const name = node.metadata.name ?? '';
    const { spec = {} } = plan;
    const drained = node.metadata.annotations?.[drainedKey] === hash;
    const failed = spec.drain !== undefined && !drained ? drains.get(idOf(plan, name, hash)) : undefined;
    if (failed?.state === 'failed') return fail(plan, node, failed.text);
    if (spec.drain !== undefined || spec.cordon === true) await cordon(client, name, keyOf(plan));
    if (spec.drain !== undefined && !drained) {
      const { state, text } = drain(plan, name, hash);
      if (state !== 'done') return { state: 'working', text: text === '' ? 'draining' : `draining: ${text}` };
    }
    const upgrade = spec.upgrade ?? { image: '' };
    const request: UpgradeRequest = {
      plan: keyOf(plan),
      hash,
      kind: kindOf(plan) ?? 'os',
      from: sourceOf(upgrade, version),
      ...(optionsOf(upgrade).length === 0 ? {} : { options: optionsOf(upgrade) }),
      version,
      at: now() / 1000,
    };
    const annotations = { [requestAnnotation]: JSON.stringify(request), [statusAnnotation]: null };
    await client.patch(nodes, name, { type: 'merge', body: { metadata: { annotations } } });
    recorder.event(
      referenceTo(plans, plan),
      'Normal',
      'Applying',
      `${name} upgrades to ${version} from ${request.from}`,
    );
    return { state: 'working', text: 'asked' };
  };

  /** The machine is on its old version again, and well: it gets pods again. */
  const fail = async (plan: Plan, node: Node, text: string): Promise<NodeResult> => {
    const name = node.metadata.name ?? '';
    await uncordon(client, name, keyOf(plan));
    return { state: 'failed', text };
  };

  const finish = async (plan: Plan, node: Node, { version, hash }: Target): Promise<NodeResult> => {
    const name = node.metadata.name ?? '';
    await uncordon(client, name, keyOf(plan));
    const fill = (text: string): string =>
      text.replaceAll('$(LATEST_HASH)', hash).replaceAll('$(LATEST_VERSION)', version);
    const more = Object.entries(plan.spec?.customNodeLabels ?? {}).map(([key, value]) => [key, fill(value)]);
    const labels = { ...Object.fromEntries(more), [planLabel(plan.metadata.name ?? '')]: hash };
    const annotations = { [requestAnnotation]: null, [statusAnnotation]: null, [drainedKey]: null };
    await client.patch(nodes, name, { type: 'merge', body: { metadata: { labels, annotations } } });
    recorder.event(referenceTo(plans, plan), 'Normal', 'NodeComplete', `${name} runs ${version}`);
    return { state: 'done', text: '' };
  };

  return {
    async settled() {
      await Promise.all(running);
    },
    forget(plan) {
      for (const [id, { stop }] of drains)
        if (id.startsWith(`${plan} `)) {
          stop.abort();
          drains.delete(id);
        }
    },
    async release(plan, node) {
      const name = node.metadata.name ?? '';
      if (atWorkFor(node, plan, now())) return node;
      await uncordon(client, name, plan);
      const asked = requestOf(node)?.plan === plan ? { [requestAnnotation]: null, [statusAnnotation]: null } : {};
      const annotations = { ...asked, [drainedKey]: null };
      return client.patch(nodes, name, { type: 'merge', body: { metadata: { annotations } } });
    },
    async apply(plan, node, target) {
      const request = requestOf(node);
      const report = reportOf(node);
      if (
        request !== undefined &&
        request.plan !== keyOf(plan) &&
        report?.state !== 'failed' &&
        report?.state !== 'done'
      )
        return { state: 'working', text: `waits for the plan ${request.plan}` };
      if (request?.plan !== keyOf(plan)) return ask(plan, node, target);
      if (request.hash !== target.hash)
        return atWorkFor(node, request.plan, now())
          ? { state: 'working', text: `ends the upgrade to ${request.version} first` }
          : ask(plan, node, target);
      if (report?.hash === target.hash && report.state === 'done') return finish(plan, node, target);
      if (report?.hash === target.hash && report.state === 'failed') return fail(plan, node, report.text);
      const heard = report?.hash === target.hash ? report.text : undefined;
      const limit = plan.spec?.jobActiveDeadlineSecs ?? 0;
      if (limit > 0 && now() / 1000 - request.at > limit)
        return fail(
          plan,
          node,
          heard === undefined ? `nothing was heard of it within ${limit} s` : `not done within ${limit} s: ${heard}`,
        );
      if (heard !== undefined) return { state: 'working', text: heard };
      return { state: 'working', text: isNodeReady(node) ? 'asked' : 'asked, but the node is not Ready' };
    },
  };
}

const drainedKey = 'knarr.io/upgrade-drained-for';
