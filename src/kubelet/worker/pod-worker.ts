import { rm } from 'node:fs/promises';
import { timeText } from '../../api/literals.ts';
import { messageOf } from '../../base/errors.ts';
import { goErrorText } from '../../cri/channel.ts';
import type { SandboxStatus } from '../../cri/types.ts';
import { resourcesHash } from '../pod/labels.ts';
import { containersOf, isHostNetwork, isTerminalPhase, type NodePod, podText } from '../pod/pod.ts';
import { generateStatus, refusedStatus, type Verdict } from '../status/generate.ts';
import { createKeyedBackoff } from './backoff.ts';
import { killContainer } from './kill-container.ts';
import { planPod } from './plan.ts';
import { currentSandbox, emptyView, type PodView, sandboxIPs } from './pod-view.ts';
import { createAllocation, planResizes, resizeContainers } from './resize.ts';
import type { WorkerServices } from './services.ts';
import { createContainerStarts } from './starts.ts';
import { terminatePod } from './terminate-pod.ts';
import { createWorkLoop } from './work-loop.ts';

/**
 * One pod's life on this node.
 *
 *   running ──deletion, verdict, all containers over──▶ terminating ──nothing runs──▶ terminated ──cleaned up──▶ finished
 *
 * `terminating` begins anew when the grace period gets shorter. `terminated` takes away sandboxes, volumes and cgroup;
 * `finished` is the end: the pod's object is gone, or, for a pod that ended by itself, waits for its deletion.
 */
type State =
  | { name: 'running' }
  | {
      name: 'terminating';
      graceSeconds: number;
      verdict: Verdict | undefined;
      cut: AbortController;
      announced: boolean;
    }
  | { name: 'terminated'; verdict: Verdict | undefined }
  | { name: 'finished'; verdict: Verdict | undefined };

export interface PodWorker {
  readonly pod: NodePod;
  readonly stateName: State['name'];
  readonly view: PodView;
  /** A newer version of the pod. */
  update(pod: NodePod): void;
  /** Something that the pod depends on has changed: look again. */
  wake(options?: { volumes?: boolean }): void;
  /** The pod is no longer wanted: gone from the API or from its file. `last` is its last version. */
  remove(last?: NodePod): void;
  /** The node ends the pod with this status. Resolves when nothing of it runs any more. */
  end(verdict: Verdict, graceSeconds?: number): Promise<void>;
  /** Stops looking after the pod; containers keep running. */
  abandon(): Promise<void>;
}

export interface PodWorkerOptions {
  services: WorkerServices;
  pod: NodePod;
  /** Asked once before anything of the pod is started; a verdict refuses it. */
  admit: (pod: NodePod) => Promise<Verdict | undefined>;
  /** The pod is over and cleaned up, and nothing is left to wait for. */
  finished: (uid: string) => void;
  /** Why the node cannot give a running pod the size that it asks for now. */
  resizeRefusal: (pod: NodePod) => { reason: 'Deferred' | 'Infeasible'; message: string } | undefined;
  /** Called where the pod's object is to be removed from the API. */
  deleteObject: (pod: NodePod) => Promise<void>;
}

export function createPodWorker(options: PodWorkerOptions): PodWorker {
  const { services, admit, finished, deleteObject } = options;
  const { runtime, prober, views, volumes, event, now } = services;
  const { uid } = options.pod.metadata;
  const log = services.log.child('pod');
  const starts = createContainerStarts(services);
  const resized = new Map<string, string>();
  const retries = createKeyedBackoff({ initialMs: 500, maxMs: 120_000, now });
  const allocation = createAllocation({ refusal: options.resizeRefusal });
  let { pod, pending: resizePending } = allocation.apply(options.pod);
  let state: State = { name: 'running' };
  let view: PodView = emptyView;
  let admitted = false;
  let removed = false;
  let volumesDirty = false;
  let volumesReady = false;
  let cleaned = false;
  let refusal: Verdict | undefined;
  const nothingRuns = Promise.withResolvers<void>();

  const setState = (next: State): void => {
    log.debug(`${state.name} → ${next.name}`, { pod: podText(pod) });
    state = next;
    if (next.name === 'terminated') nothingRuns.resolve();
  };

  const step = async (): Promise<void> => {
    if (state.name === 'running') await syncStep();
    else if (state.name === 'terminating') await terminateStep(state);
    else if (state.name === 'terminated') await cleanUpStep();
  };

  const loop = createWorkLoop({
    now,
    step: async () => {
      try {
        await step();
        retries.reset('step');
      } catch (error) {
        log.warn('pod could not be brought to what it asks for', { pod: podText(pod), error: messageOf(error) });
        retries.next('step');
        loop.wakeIn(retries.get('step'));
      }
    },
  });

  const podIP = (): string => (isHostNetwork(pod) ? services.hostIPs[0] : sandboxIPs(currentSandbox(view))[0]) ?? '';

  const refresh = async (): Promise<void> => {
    view = await views.read(uid);
    prober.sync(pod, view, podIP());
  };

  const verdictOf = (): Verdict | undefined => (state.name === 'running' ? undefined : state.verdict);

  const publish = (): ReturnType<typeof generateStatus> => {
    const now_ = timeText(new Date(now()));
    if (refusal) {
      const told = { ...refusedStatus(pod, refusal, now_), startTime: services.status.current(pod).startTime ?? now_ };
      services.status.set(pod, told);
      return told;
    }
    const terminal = state.name === 'terminated' || state.name === 'finished';
    const status = generateStatus({
      pod,
      view,
      previous: services.status.current(pod),
      failures: starts.failures,
      health: (name, id) => {
        const item = containersOf(pod).find((c) => c.container.name === name);
        return item ? prober.health(item.container, id) : { started: true, ready: true };
      },
      // Told when nothing of the pod runs any more: others replace it then (upstream: `mergePodStatus`).
      verdict: terminal ? verdictOf() : undefined,
      resizePending,
      terminal,
      hostIPs: services.hostIPs,
      recursiveReadOnly: services.recursiveReadOnly(),
      now: now_,
    });
    services.status.set(pod, status);
    return status;
  };

  const graceSeconds = (): number => {
    const own = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    return removed ? Math.max(1, own) : own;
  };

  const terminate = (verdict: Verdict | undefined, grace = graceSeconds()): void => {
    if (state.name === 'running') {
      setState({ name: 'terminating', graceSeconds: grace, verdict, cut: new AbortController(), announced: false });
      prober.stopForTermination(uid);
    } else if (state.name === 'terminating' && grace < state.graceSeconds) {
      state.cut.abort();
      setState({ ...state, graceSeconds: grace, cut: new AbortController(), announced: true });
    }
    loop.kick();
  };

  const syncStep = async (): Promise<void> => {
    await refresh();
    if (pod.metadata.deletionTimestamp || removed) return terminate(undefined);
    if (isTerminalPhase(pod.status?.phase) || isTerminalPhase(services.status.current(pod).phase)) {
      const { phase, reason = '', message = '' } = services.status.current(pod);
      const known = phase && reason ? { phase: phase as Verdict['phase'], reason, message } : undefined;
      return terminate(known);
    }
    if (!admitted) {
      const refused = view.containers.length > 0 ? undefined : await admit(pod);
      if (refused) {
        event(pod, undefined, 'Warning', refused.reason, refused.message);
        refusal = refused;
        return terminate(refused);
      }
      admitted = true;
      services.objects.register(pod);
    }
    if (deadlineOver()) return;
    const status = publish();
    if (isTerminalPhase(status.phase)) return terminate(undefined);
    void removeOld();
    const plan = planPod(pod, view, (kind, id) => prober.verdict(kind, id));
    if (plan.killPod && !plan.createSandbox) return terminate(undefined);

    const resizes = planResizes(pod, view, services.securityNode(pod), resized);
    const inPlace = resizes.filter((r) => !r.restart && !plan.kill.some((k) => k.view.id === r.view.id));
    if (inPlace.length > 0) {
      await resizeContainers(services, pod, inPlace);
      for (const { view: target, container } of inPlace) resized.set(target.id, resourcesHash(container));
      loop.kick();
    }
    for (const { view: target, container } of resizes.filter((r) => r.restart)) {
      const item = containersOf(pod).find((i) => i.container.name === container.name);
      if (!item || plan.kill.some((k) => k.view.id === target.id)) continue;
      plan.kill.push({
        view: target,
        item,
        message: `Container ${container.name} resize requires restart`,
        reason: '',
      });
      plan.start.push(item);
    }

    const config = async (): Promise<Awaited<ReturnType<WorkerServices['sandboxConfig']>>> =>
      services.sandboxConfig(
        pod,
        plan.createSandbox ? plan.attempt : plan.attempt - 1,
        await services.ensureCgroup(pod),
      );

    await Promise.all(
      plan.kill.map(({ view: target, item, message, reason }) =>
        killContainer(services, { pod, item, view: target, message, reason, podIP: podIP() }),
      ),
    );
    if (plan.createSandbox && view.sandboxes.length > 0) await dropSandboxes();
    const wantsVolumes = plan.start.length > 0 || volumesDirty || (volumes.renewAt(uid) ?? Infinity) <= now();
    const [sandbox, mountsDone] = await Promise.all([
      plan.createSandbox ? makeSandbox(config) : currentSandbox(view),
      wantsVolumes || !volumesReady ? setUpVolumes() : true,
    ]);
    const renewAt = volumes.renewAt(uid);
    if (renewAt !== undefined) loop.wakeIn(Math.max(1000, renewAt - now()));
    if (!sandbox) return;
    if (plan.start.length === 0) {
      if (plan.kill.length > 0) loop.kick();
      return;
    }
    if (!mountsDone) return;
    if (plan.createSandbox) {
      view = await views.read(uid);
      publish();
    }
    const sandboxConfig = await config();
    const { started, retryMs } = await starts.run({
      pod,
      items: plan.start,
      view,
      sandbox,
      sandboxConfig,
      cancelled: () => pod.metadata.deletionTimestamp !== undefined || removed,
    });
    if (Number.isFinite(retryMs)) loop.wakeIn(retryMs);
    if (started) {
      loop.kick();
      return;
    }
    await refresh();
    publish();
  };

  /** Of each container the current and the last run are kept, with their logs. */
  const removeOld = async (): Promise<void> => {
    const count = new Map<string, number>();
    const old = view.containers.filter((c) => {
      const seen = (count.get(c.name) ?? 0) + 1;
      count.set(c.name, seen);
      return seen > 2 && c.state === 'CONTAINER_EXITED';
    });
    for (const { id, logPath } of old) {
      try {
        await runtime.removeContainer(id);
        if (logPath !== '') await rm(logPath, { force: true });
      } catch (error) {
        log.debug('an old container could not be removed', { id, error: messageOf(error) });
      }
    }
  };

  const deadlineOver = (): boolean => {
    const seconds = pod.spec.activeDeadlineSeconds;
    const startTime = services.status.current(pod).startTime ?? pod.status?.startTime;
    if (seconds === undefined || startTime === undefined) return false;
    const left = Date.parse(startTime) + seconds * 1000 - now();
    if (left > 0) {
      loop.wakeIn(left);
      return false;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    event(pod, undefined, 'Normal', 'DeadlineExceeded', message);
    terminate({ phase: 'Failed', reason: 'DeadlineExceeded', message });
    return true;
  };

  /** Another sandbox is needed: what ran in the old ones ends with them. */
  const dropSandboxes = async (): Promise<void> => {
    event(pod, undefined, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    for (const container of view.containers) {
      if (container.state !== 'CONTAINER_RUNNING') continue;
      const item = containersOf(pod).find((c) => c.container.name === container.name);
      if (item) await killContainer(services, { pod, item, view: container, message: '', reason: '', podIP: podIP() });
    }
    await Promise.all(view.sandboxes.map((s) => runtime.stopSandbox(s.id)));
    // Only the newest is kept, for the number of the next attempt.
    await Promise.all(view.sandboxes.slice(1).map((s) => runtime.removeSandbox(s.id)));
  };

  const makeSandbox = async (
    config: () => Promise<Awaited<ReturnType<WorkerServices['sandboxConfig']>>>,
  ): Promise<SandboxStatus | undefined> => {
    try {
      const made = await config();
      const id = await runtime.runSandbox(made, await services.runtimeHandler(pod));
      retries.reset('sandbox');
      return await runtime.sandboxStatus(id);
    } catch (error) {
      event(pod, undefined, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${goErrorText(error)}`);
      retries.next('sandbox');
      loop.wakeIn(Math.max(1000, retries.get('sandbox')));
      return undefined;
    }
  };

  const setUpVolumes = async (): Promise<boolean> => {
    try {
      volumesDirty = false;
      await volumes.setUp(pod);
      volumesReady = true;
      retries.reset('volumes');
      return true;
    } catch (error) {
      for (const line of (error as { details?: { failures?: string[] } }).details?.failures ?? [messageOf(error)])
        event(pod, undefined, 'Warning', 'FailedMount', line);
      retries.next('volumes');
      volumesDirty = true;
      loop.wakeIn(retries.get('volumes'));
      return false;
    }
  };

  const terminateStep = async (at: Extract<State, { name: 'terminating' }>): Promise<void> => {
    await refresh();
    publish();
    const ended = await terminatePod(services, {
      pod,
      view,
      podIP: podIP(),
      graceSeconds: at.graceSeconds,
      signal: at.cut.signal,
      quiet: at.announced,
      progress: async () => {
        await refresh();
        publish();
      },
    });
    at.announced = true;
    loop.kick();
    if (ended && state === at) setState({ name: 'terminated', verdict: at.verdict });
  };

  const cleanUpStep = async (): Promise<void> => {
    if (!cleaned) await cleanUp();
    cleaned = true;
    // A pod that ended by itself keeps its dead containers: their logs are still asked for.
    if (!pod.metadata.deletionTimestamp && !removed) return;
    await services.status.settled(uid);
    if (!removed) await deleteObject(pod);
    await Promise.all(view.containers.map((c) => runtime.removeContainer(c.id)));
    await Promise.all(view.sandboxes.map((s) => runtime.removeSandbox(s.id)));
    await services.release(pod);
    void loop.end();
    setState({ name: 'finished', verdict: verdictOf() });
    finished(uid);
  };

  const cleanUp = async (): Promise<void> => {
    await Promise.all(view.sandboxes.map((s) => (s.state === 'SANDBOX_READY' ? runtime.stopSandbox(s.id) : undefined)));
    await refresh();
    prober.forget(uid);
    publish();
    services.objects.unregister(uid);
    await volumes.tearDown(uid);
    await services.removeCgroup(pod);
  };

  return {
    get pod() {
      return pod;
    },
    get stateName() {
      return state.name;
    },
    get view() {
      return view;
    },
    update(next) {
      const statusOnly =
        next.metadata.generation !== undefined &&
        next.metadata.generation === pod.metadata.generation &&
        next.metadata.deletionTimestamp === pod.metadata.deletionTimestamp &&
        next.metadata.deletionGracePeriodSeconds === pod.metadata.deletionGracePeriodSeconds &&
        JSON.stringify([next.metadata.labels, next.metadata.annotations]) ===
          JSON.stringify([pod.metadata.labels, pod.metadata.annotations]) &&
        JSON.stringify(next.status?.conditions) === JSON.stringify(services.status.current(pod).conditions);
      const downward =
        JSON.stringify(next.metadata.labels) !== JSON.stringify(pod.metadata.labels) ||
        JSON.stringify(next.metadata.annotations) !== JSON.stringify(pod.metadata.annotations);
      if (downward) volumesDirty = true;
      ({ pod, pending: resizePending } = allocation.apply(next));
      if (statusOnly && !isTerminalPhase(next.status?.phase)) return;
      if (pod.metadata.deletionTimestamp && state.name === 'terminating') terminate(undefined);
      else loop.kick();
    },
    wake(wakeOptions = {}) {
      if (wakeOptions.volumes) {
        volumesDirty = true;
        starts.retryNow();
      }
      loop.kick();
    },
    remove(last) {
      if (last) pod = last;
      removed = true;
      services.status.forget(uid);
      terminate(undefined);
    },
    end(verdict, grace) {
      terminate(verdict, grace ?? graceSeconds());
      return nothingRuns.promise;
    },
    async abandon() {
      const ended = loop.end();
      prober.forget(uid);
      if (state.name === 'terminating') state.cut.abort();
      await ended;
    },
  };
}
