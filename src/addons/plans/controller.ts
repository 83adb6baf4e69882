import type { Node } from '../../api/gen/core-v1.ts';
import { customresourcedefinitions, nodes as nodesResource } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { delay } from '../../base/abort.ts';
import type { Component } from '../../base/component.ts';
import { messageOf, toError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { createEventRecorder, referenceTo } from '../../client/events.ts';
import { type InformerFactory, keyOf, splitKey } from '../../client/informer.ts';
import { createApplier, type NodeResult } from './apply.ts';
import { asTag, resolveChannel } from './channel.ts';
import { setCondition } from './conditions.ts';
import { hashOf, kindOf, nodesToApply, selectedNodes } from './decide.ts';
import { millisecondsOf } from './drain.ts';
import { type Plan, type PlanStatus, planDefinition, planLabel, plans } from './plan.ts';
import { planProblem } from './plan-problem.ts';
import { cordonAnnotation, requestOf } from './request.ts';
import { windowContains } from './window.ts';

export interface PlansOptions {
  client: Client;
  informers: InformerFactory;
  log: Logger;
  now?: () => number;
  /** A look at all plans though nothing changed. */
  everyMs?: number;
  /** How old the answer of a channel may be. */
  pollChannelMs?: number;
}

/** Makes the Plan resource known; resolves when it is served. Left as it is where somebody else brought it. */
async function ensurePlanResource(client: Client, signal: AbortSignal): Promise<void> {
  await client.create(customresourcedefinitions, planDefinition).catch((error: unknown) => {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  });
  while (!signal.aborted) {
    try {
      await client.list(plans, { limit: 1 });
      return;
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      await delay(100, signal);
    }
  }
}

/**
 * Carries out the plans whose image is `knarr/upgrade` or `knarr/upgrade-daemon`: each node is cordoned and drained as
 * the plan says, asked to upgrade itself (request.ts), and labelled when it has. Servers go before agents. A node that
 * came back to its old version stops the plan until it changes. All that is under way is in the objects, so that a new
 * server goes on where the last one stopped.
 */
export function createPlans(options: PlansOptions): Component {
  const { client, informers, log, now = Date.now, everyMs = 30_000, pollChannelMs = 15 * 60_000 } = options;
  const lifetime = new AbortController();
  const recorder = createEventRecorder({ client, component: 'system-upgrade-controller', log });
  const applier = createApplier({ client, recorder, log, now, signal: lifetime.signal });
  const completedAt = new Map<string, number>();
  const told = new Set<string>();
  /** Since the last look. */
  const deleted = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();

  const planInformer = () => informers.informer(plans);
  const nodeInformer = () => informers.informer(nodesResource);

  const event = (plan: Plan, type: 'Normal' | 'Warning', reason: string, message: string): void =>
    recorder.event(referenceTo(plans, plan), type, reason, message);

  const versionOf = async (plan: Plan, status: PlanStatus): Promise<string> => {
    const { version, channel = '' } = plan.spec ?? {};
    if (version) return asTag(version);
    const resolved = status.conditions?.find(({ type }) => type === 'LatestResolved');
    const age = now() - Date.parse(resolved?.lastUpdateTime ?? '');
    if (resolved?.status === 'True' && status.latestVersion !== undefined && age < pollChannelMs)
      return status.latestVersion;
    return resolveChannel(channel, status.latestVersion, lifetime.signal);
  };

  /** May nodes be begun now? Those under way go on in any case. */
  const mayBegin = (plan: Plan): boolean => {
    const { window, exclusive, postCompleteDelay } = plan.spec ?? {};
    if (window !== undefined && !windowContains(window, new Date(now()))) return false;
    if (now() - (completedAt.get(keyOf(plan)) ?? 0) < millisecondsOf(postCompleteDelay)) return false;
    return (
      exclusive !== true ||
      !planInformer()
        .list()
        .some(
          (other) => other.spec?.exclusive === true && keyOf(other) !== keyOf(plan) && other.status?.applying?.length,
        )
    );
  };

  /** `prepare` with the argument `prepare PLAN` waits for another plan, as the images of K3s do. */
  const waitsFor = (plan: Plan): string | undefined => {
    const [word, other] = plan.spec?.prepare?.args ?? [];
    if (word !== 'prepare' || other === undefined) return undefined;
    const conditions = planInformer().get(other, plan.metadata.namespace)?.status?.conditions;
    return conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ? undefined : other;
  };

  const failed = (plan: Plan, results: ReadonlyMap<Node, NodeResult>): string | undefined => {
    for (const [node, result] of results) if (result.state === 'failed') return `${node.metadata.name}: ${result.text}`;
    return plan.spec?.upgrade === undefined ? 'spec.upgrade must be given' : undefined;
  };

  /** The status as it should be; what a node is asked or given on the way is done. */
  const advance = async (plan: Plan, old: PlanStatus): Promise<PlanStatus> => {
    const set = setCondition(now());
    const problem = planProblem(plan);
    let status = set(
      old,
      'Validated',
      problem === undefined ? ['True', 'PlanIsValid', ''] : ['False', 'Error', problem],
    );
    if (problem !== undefined) return { ...status, applying: [] };
    const resolved = await versionOf(plan, status).catch(toError);
    const known = resolved instanceof Error ? old.latestVersion : resolved;
    status = set(
      status,
      'LatestResolved',
      resolved instanceof Error
        ? ['False', 'Error', resolved.message]
        : ['True', plan.spec?.version ? 'Version' : 'Channel', ''],
      known !== old.latestVersion || now() - Date.parse(lastResolved(old)) >= pollChannelMs,
    );
    // nodes under way end what they began, whatever the channel says
    if (known === undefined) return status;
    const latestVersion = known;
    const latestHash = hashOf(plan, latestVersion);
    if (latestHash !== old.latestHash)
      event(plan, 'Normal', 'Resolved', `Resolved latest version: ${latestVersion}. Hash: ${latestHash}`);
    const changedPlan = latestHash !== old.latestHash;
    const all = nodeInformer().list();
    const before = old.applying ?? [];
    const waiting = waitsFor(plan);
    // what failed is not tried on others: the plan waits until it changes
    const stuck = !changedPlan && old.conditions?.some(({ reason }) => reason === 'ApplyFailed') === true;
    const begin = waiting === undefined && !stuck && !(resolved instanceof Error) && mayBegin(plan);
    const targets = nodesToApply(plan, all, latestHash, { applying: before, mayBegin: begin, nowMs: now() });
    const results = new Map<Node, NodeResult>();
    for (const node of targets) {
      const result = await applier.apply(plan, node, { version: latestVersion, hash: latestHash });
      results.set(node, result);
      if (result.state === 'done') completedAt.set(keyOf(plan), now());
      if (result.state === 'failed') break;
    }
    const still = targets
      .filter((node) => results.get(node)?.state !== 'done')
      .map(({ metadata }) => metadata.name ?? '');
    const open = selectedNodes(plan, all).filter(
      (node) =>
        node.metadata.labels?.[planLabel(plan.metadata.name ?? '')] !== latestHash &&
        results.get(node)?.state !== 'done',
    );
    const failure = failed(plan, results);
    const progress = [...results].find(([, { state }]) => state === 'working');
    const message =
      progress !== undefined
        ? `${progress[0].metadata.name}: ${progress[1].text}`
        : waiting !== undefined
          ? `waits for the plan ${waiting}`
          : `${open.length} nodes to go`;
    const complete: Parameters<typeof set>[2] =
      failure !== undefined
        ? ['False', 'ApplyFailed', failure]
        : open.length === 0
          ? ['True', 'Complete', '']
          : ['False', 'Applying', message];
    const next = set({ ...status, latestVersion, latestHash, applying: still }, 'Complete', complete);
    tellOf(plan, old, next);
    return next;
  };

  const tellOf = (plan: Plan, old: PlanStatus, next: PlanStatus): void => {
    const complete = (status: PlanStatus) => status.conditions?.find(({ type }) => type === 'Complete');
    const [was, is] = [complete(old), complete(next)];
    if (was?.reason === is?.reason && was?.status === is?.status) return;
    if (is?.status === 'True')
      event(plan, 'Normal', 'Complete', `Complete for version ${next.latestVersion}. Hash: ${next.latestHash}`);
    if (is?.reason === 'ApplyFailed') event(plan, 'Warning', 'ApplyFailed', is.message ?? '');
  };

  const reconcile = async (plan: Plan): Promise<void> => {
    if (plan.metadata.deletionTimestamp !== undefined) return;
    if (kindOf(plan) === undefined) {
      // Such a plan belongs to the original controller, if anybody runs it: its status is not ours to write.
      if (told.has(plan.metadata.uid ?? '')) return;
      told.add(plan.metadata.uid ?? '');
      event(
        plan,
        'Warning',
        'Unsupported',
        `the image ${plan.spec?.upgrade?.image ?? ''} is not run by this server: it carries out knarr/upgrade and knarr/upgrade-daemon; for other images install system-upgrade-controller`,
      );
      return;
    }
    const old = plan.status ?? {};
    const status = await advance(plan, old);
    if (JSON.stringify(status) === JSON.stringify(old)) return;
    const { name = '', namespace } = plan.metadata;
    const written = await client.patch(
      plans,
      name,
      { type: 'merge', body: { status } },
      { namespace, subresource: 'status' },
    );
    planInformer().observe(written);
  };

  /** The plans that a node says it was begun for. */
  const plansOf = ({ metadata }: Node): string[] =>
    [...new Set([requestOf({ metadata })?.plan, metadata.annotations?.[cordonAnnotation]])].filter(
      (plan) => plan !== undefined,
    );

  /** Whether a plan is there that may still be about the node; one that is wrong may be put right. */
  const isAbout = (key: string, node: Node): boolean => {
    const { name, namespace } = splitKey(key);
    const plan = planInformer().get(name, namespace);
    return (
      plan !== undefined &&
      kindOf(plan) !== undefined &&
      (planProblem(plan) !== undefined || selectedNodes(plan, [node]).length > 0)
    );
  };

  /** What a plan that was deleted, or is about others now, left on nodes is taken away; one of the same name begins anew. */
  const releaseNodes = async (): Promise<void> => {
    if (!planInformer().hasSynced()) return;
    for (const node of nodeInformer().list())
      for (const plan of plansOf(node))
        if (deleted.has(plan) || !isAbout(plan, node)) nodeInformer().observe(await applier.release(plan, node));
    deleted.clear();
  };

  const pending = (): boolean =>
    planInformer().list().length > 0 ||
    nodeInformer()
      .list()
      .some((node) => plansOf(node).length > 0);

  const round = async (): Promise<void> => {
    await releaseNodes().catch((error: unknown) => {
      if (lifetime.signal.aborted || isApiError(error, 'Conflict') || isApiError(error, 'NotFound')) return;
      log.warn('a node is left as a plan that is gone made it', { error: messageOf(error) });
    });
    for (const plan of planInformer().list())
      await reconcile(plan).catch((error: unknown) => {
        if (lifetime.signal.aborted || isApiError(error, 'Conflict') || isApiError(error, 'NotFound')) return;
        log.warn('a plan could not be carried on', { plan: keyOf(plan), error: messageOf(error) });
      });
  };

  const wake = (afterMs: number): void => {
    clearTimeout(timer);
    if (lifetime.signal.aborted) return;
    timer = setTimeout(() => {
      working = working.then(round).then(() => {
        // nothing to do is nothing to look at
        if (pending()) wake(everyMs);
      });
    }, afterMs);
    timer.unref();
  };

  return {
    name: 'plans',
    async start() {
      await ensurePlanResource(client, lifetime.signal);
      const onPlan = () => wake(20);
      const onDelete = (plan: Plan): void => {
        applier.forget(keyOf(plan));
        deleted.add(keyOf(plan));
        onPlan();
      };
      planInformer().addHandler({
        add: onPlan,
        update(plan, before) {
          // what stood against a drain may do so no longer
          if (plan.metadata.generation !== before.metadata.generation) applier.forget(keyOf(plan));
          onPlan();
        },
        delete: onDelete,
      });
      // a node's heartbeats change nothing that a plan looks at
      const facts = ({ metadata, spec }: Node): string =>
        JSON.stringify([metadata.labels, metadata.annotations, spec?.unschedulable]);
      const onNode = (): void => {
        if (pending()) wake(20);
      };
      nodeInformer().addHandler({
        add: onNode,
        delete: onNode,
        update: (node, old) => {
          if (facts(node) !== facts(old)) onNode();
        },
      });
    },
    async stop() {
      lifetime.abort();
      clearTimeout(timer);
      await working;
      await applier.settled();
    },
  };
}

const lastResolved = (status: PlanStatus): string =>
  status.conditions?.find(({ type }) => type === 'LatestResolved')?.lastUpdateTime ?? '';
