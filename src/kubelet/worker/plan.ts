import { containerHash } from '../pod/labels.ts';
import { containersOf, type NodePod, type PodContainer } from '../pod/pod.ts';
import { shouldRestart } from '../pod/restart-policy.ts';
import { type ContainerView, currentSandbox, newest, type PodView } from './pod-view.ts';

export type KillReason = '' | 'StartupProbe' | 'LivenessProbe' | 'FailedPostStartHook' | 'Unknown';

export interface PlannedKill {
  view: ContainerView;
  item: PodContainer;
  message: string;
  reason: KillReason;
}

/** What is to be done so that the runtime comes to what the pod wants. */
export interface Plan {
  /** Everything that runs is to end, sandboxes too. */
  killPod: boolean;
  createSandbox: boolean;
  attempt: number;
  kill: PlannedKill[];
  /** In this order: ephemeral containers, init containers, main containers. */
  start: PodContainer[];
}

/** What a probe last said of a container: undefined before its first word. */
export type ProbeVerdict = (kind: 'startup' | 'liveness', containerId: string) => boolean | undefined;

const exitedWell = (view: ContainerView): boolean => view.state === 'CONTAINER_EXITED' && view.exitCode === 0;

/** May the pod's containers start again after a failure of its sandbox? */
const restartsOnFailure = (pod: NodePod): boolean =>
  pod.spec.restartPolicy !== 'Never' || pod.spec.containers.some((c) => c.restartPolicy && c.restartPolicy !== 'Never');

/** Running again is decided by policy alone where there is no exit code to look at. */
const restartsWhenKilled = (pod: NodePod, item: PodContainer): boolean =>
  (item.container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always') !== 'Never';

function planNewSandbox(pod: NodePod, view: PodView, plan: Plan): Plan {
  plan.killPod = true;
  plan.createSandbox = true;
  if (!restartsOnFailure(pod) && plan.attempt !== 0 && view.containers.length > 0)
    return { ...plan, createSandbox: false };
  const items = containersOf(pod);
  const mains = items.filter((i) => {
    if (i.kind !== 'main') return false;
    const policy = i.container.restartPolicy ?? pod.spec.restartPolicy;
    const current = newest(view, i.container.name);
    return !(policy === 'OnFailure' && current && exitedWell(current));
  });
  const mainCreated = pod.spec.containers.some((c) => newest(view, c.name));
  if (mains.length === 0 && mainCreated) return { ...plan, createSandbox: false };
  const firstInit = items.find((i) => i.kind === 'init');
  return { ...plan, start: firstInit ? [firstInit] : mains };
}

interface InitOutcome {
  initialized: boolean;
  start: PodContainer[];
  kill: PlannedKill[];
  killPod: boolean;
}

/**
 * Init containers are looked at from the last to the first, because earlier ones may have been removed already: the
 * last one that is known tells how far the pod has come.
 */
function planInit(pod: NodePod, view: PodView, sandboxId: string, probes: ProbeVerdict): InitOutcome {
  const items = containersOf(pod).filter((i) => i.kind === 'init');
  const outcome: InitOutcome = { initialized: items.length === 0, start: [], kill: [], killPod: false };
  if (items.length === 0) return outcome;
  const alive = pod.spec.containers.some((c) => {
    const current = newest(view, c.name);
    return current?.state === 'CONTAINER_CREATED' || current?.state === 'CONTAINER_RUNNING';
  });
  if (alive) outcome.initialized = true;
  let passed = alive;
  const start: PodContainer[] = [];
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i] as PodContainer;
    const name = item.container.name;
    const found = newest(view, name);
    // What ran in an earlier sandbox says nothing about this one.
    const current = found && (found.sandboxId === sandboxId || alive) ? found : undefined;
    if (!current) {
      if (passed && item.sidecar) start.push(item);
      continue;
    }
    if (passed && !item.sidecar) continue;
    const next = items[i + 1];
    const kill = (message: string, reason: KillReason): void => {
      outcome.kill.push({ view: current, item, message, reason });
      start.push(item);
    };
    const done = (): void => {
      if (next === undefined) outcome.initialized = true;
      else if (!passed) start.push(next);
    };
    if (current.state === 'CONTAINER_CREATED') start.push(item);
    else if (current.state === 'CONTAINER_RUNNING') {
      if (item.sidecar) {
        const started = item.container.startupProbe ? probes('startup', current.id) : true;
        if (started === false) kill(`Init container ${name} failed startup probe`, 'StartupProbe');
        else if (started === true) {
          done();
          if (current.hash !== containerHash(item.container)) kill(`Init container ${name} definition changed`, '');
          else if (item.container.livenessProbe && probes('liveness', current.id) === false)
            kill(`Init container ${name} failed liveness probe`, 'LivenessProbe');
        }
      }
    } else if (current.state === 'CONTAINER_EXITED') {
      if (item.sidecar) start.push(item);
      else if (exitedWell(current)) done();
      else if (shouldRestart(item.container, pod.spec, current.exitCode, true)) start.push(item);
      else return { ...outcome, killPod: true, initialized: false, start: [] };
    } else if (!item.sidecar && !restartsWhenKilled(pod, item)) {
      return { ...outcome, killPod: true, initialized: false, start: [] };
    } else kill(`Init container is in "unknown" state, try killing it before restart`, 'Unknown');
    passed = true;
  }
  if (!passed) start.push(items[0] as PodContainer);
  outcome.start = start.reverse();
  return outcome;
}

/** Pure; after upstream's `computePodActions`. */
export function planPod(pod: NodePod, view: PodView, probes: ProbeVerdict): Plan {
  const sandbox = currentSandbox(view);
  const attempt = view.sandboxes[0] ? view.sandboxes[0].metadata.attempt + 1 : 0;
  const plan: Plan = { killPod: false, createSandbox: false, attempt, kill: [], start: [] };
  if (!sandbox) return planNewSandbox(pod, view, plan);

  const items = containersOf(pod);
  for (const item of items) if (item.kind === 'ephemeral' && !newest(view, item.container.name)) plan.start.push(item);

  const init = planInit(pod, view, sandbox.id, probes);
  plan.kill.push(...init.kill);
  if (init.killPod) return { ...plan, killPod: true, start: [] };
  plan.start.push(...init.start);
  if (!init.initialized) return plan;

  let kept = 0;
  const mains: PodContainer[] = [];
  for (const item of items) {
    if (item.kind !== 'main') continue;
    const { container } = item;
    const current = newest(view, container.name);
    if (current?.state !== 'CONTAINER_RUNNING') {
      const again =
        current?.state !== 'CONTAINER_EXITED' || shouldRestart(container, pod.spec, current.exitCode, false);
      if (!again) continue;
      mains.push(item);
      if (current?.state === 'CONTAINER_UNKNOWN')
        plan.kill.push({
          view: current,
          item,
          message: `Container is in "unknown" state, try killing it before restart`,
          reason: 'Unknown',
        });
      continue;
    }
    let message: string | undefined;
    let reason: KillReason = '';
    let restart = restartsWhenKilled(pod, item);
    if (current.hash !== containerHash(container)) {
      message = `Container ${container.name} definition changed`;
      restart = true;
    } else if (container.livenessProbe && probes('liveness', current.id) === false) {
      message = `Container ${container.name} failed liveness probe`;
      reason = 'LivenessProbe';
    } else if (container.startupProbe && probes('startup', current.id) === false) {
      message = `Container ${container.name} failed startup probe`;
      reason = 'StartupProbe';
    }
    if (message === undefined) {
      kept++;
      continue;
    }
    if (restart) {
      message = `${message}, will be restarted`;
      mains.push(item);
    }
    plan.kill.push({ view: current, item, message, reason });
  }
  plan.start.push(...mains);
  // Nothing is left that runs or will run: sidecars must not keep the pod alive.
  if (kept === 0 && mains.length === 0) return { ...plan, killPod: true, start: [] };
  return plan;
}
