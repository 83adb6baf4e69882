import { sameValue } from '../equal.ts';
import type { NodeSelectorTerm, Pod, PodSpec } from '../gen/core-v1.ts';
import { inRange } from '../names.ts';
import { validatePod } from './pod.ts';
import { validateAnnotationUpdates } from './pod-annotations.ts';
import { validatePodResize } from './pod-resize.ts';
import type { Problems } from './problems.ts';
import { validateTolerations } from './scheduling.ts';

const mutable =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Containers to look into a pod with come, and stay as they are. */
export function validateEphemeralUpdate(p: Problems, pod: Pod, old: Pod): void {
  if (old.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    p.forbidden('[]', 'static pods do not support ephemeral containers');
    return;
  }
  validatePod(p, pod);
  validateAnnotationUpdates(p, pod, old);
  const at = 'spec.ephemeralContainers';
  for (const container of old.spec?.ephemeralContainers ?? []) {
    const now = pod.spec?.ephemeralContainers?.find(({ name }) => name === container.name);
    const which = `existing ephemeral containers ${JSON.stringify(container.name)}`;
    if (!now) p.forbidden(at, `${which} may not be removed\n`);
    else if (!sameValue(now, container)) p.forbidden(at, `${which} may not be changed\n`);
  }
}

/** Sizes alone change, in what is a valid pod before and after. */
export function validateResize(p: Problems, pod: Pod, old: Pod): void {
  validatePod(p, pod);
  validatePodResize(p, pod, old);
}

/** What a pod that is there may still change. */
export function validatePodUpdate(p: Problems, pod: Pod, old: Pod): void {
  validatePod(p, pod);
  validateAnnotationUpdates(p, pod, old);
  const now = pod.spec ?? { containers: [] };
  const was = old.spec ?? { containers: [] };
  for (const list of ['containers', 'initContainers'] as const) {
    // A list that always appears is null when it is empty.
    const [a, b] = [now[list] ?? [], was[list] ?? []];
    if (a.length !== b.length) {
      p.forbidden(`spec.${list}`, 'pod updates may not add or remove containers');
      return;
    }
    for (const [i, { image }] of a.entries()) if (!image) p.required(`spec.${list}[${i}].image`);
  }
  if (!validateDeadlineUpdate(p, now.activeDeadlineSeconds, was.activeDeadlineSeconds)) return;
  validateGateUpdate(p, now, was);
  validateTolerationUpdate(p, now, was);
  const gated = (was.schedulingGates?.length ?? 0) > 0;
  const comparable: PodSpec = {
    ...now,
    containers: now.containers.map((c, i) => ({ ...c, image: was.containers[i]?.image })),
    initContainers: now.initContainers?.map((c, i) => ({ ...c, image: was.initContainers?.[i]?.image })),
    activeDeadlineSeconds: was.activeDeadlineSeconds,
    tolerations: was.tolerations,
    schedulingGates: was.schedulingGates,
  };
  if ((was.terminationGracePeriodSeconds ?? 0) < 0 && now.terminationGracePeriodSeconds === 1) {
    comparable.terminationGracePeriodSeconds = was.terminationGracePeriodSeconds;
  }
  if (gated) {
    validateNarrowing(p, now, was);
    comparable.nodeSelector = was.nodeSelector;
    const { nodeAffinity: _, ...others } = now.affinity ?? {};
    const { nodeAffinity: __, ...before } = was.affinity ?? {};
    if (sameValue(others, before)) comparable.affinity = was.affinity;
  }
  if (!sameValue(comparable, was)) p.forbidden('spec', `pod updates may not change fields other than ${mutable}\n`);
}

/** Whether the rest is worth looking at. */
function validateDeadlineUpdate(p: Problems, now: number | undefined, was: number | undefined): boolean {
  const field = 'spec.activeDeadlineSeconds';
  if (now === undefined) {
    if (was !== undefined) p.invalid(field, null, 'must not update from a positive integer to nil value');
    return true;
  }
  if (now < 0 || now > maxInt32) p.invalid(field, now, inRange(0, maxInt32));
  else if (was !== undefined && was < now) p.invalid(field, now, 'must be less than or equal to previous value');
  else return true;
  return false;
}

const maxInt32 = 2 ** 31 - 1;

/** A pod that waits may be told to run in fewer places, not in others. */
function validateNarrowing(p: Problems, now: PodSpec, was: PodSpec): void {
  const selector = now.nodeSelector ?? {};
  if (Object.entries(was.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    p.invalid('spec.nodeSelector', now.nodeSelector ?? null, why);
  }
  const terms = ({ affinity }: PodSpec): NodeSelectorTerm[] | undefined =>
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const [next = [], before = []] = [terms(now), terms(was)];
  const at = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (before.length > 0 && before.length !== next.length) {
    p.invalid(at, terms(now) ?? null, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed');
    return;
  }
  for (const [i, term] of before.entries()) {
    if (isNarrower(next[i] ?? {}, term)) continue;
    p.invalid(`${at}[${i}]`, next[i], 'only additions are allowed (no mutations or deletions)');
  }
}

function isNarrower(now: NodeSelectorTerm, was: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const count = (term: NodeSelectorTerm): number => lists.reduce((sum, list) => sum + (term[list]?.length ?? 0), 0);
  // A term of nothing selects nothing: what is added to it selects more.
  if (count(was) === 0) return count(now) === 0;
  return lists.every((list) => {
    const before = was[list] ?? [];
    return sameValue((now[list] ?? []).slice(0, before.length), before);
  });
}

function validateGateUpdate(p: Problems, now: PodSpec, was: PodSpec): void {
  const had = new Set((was.schedulingGates ?? []).map((g) => g.name));
  for (const [i, gate] of (now.schedulingGates ?? []).entries()) {
    if (had.has(gate.name)) continue;
    p.forbidden(
      `spec.schedulingGates[${i}].name`,
      `only deletion is allowed, but found new scheduling gate '${gate.name}'`,
    );
  }
}

function validateTolerationUpdate(p: Problems, now: PodSpec, was: PodSpec): void {
  const kept = (was.tolerations ?? []).every((old) =>
    (now.tolerations ?? []).some((t) =>
      sameValue({ ...old, tolerationSeconds: undefined }, { ...t, tolerationSeconds: undefined }),
    ),
  );
  if (!kept) {
    p.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds');
  } else validateTolerations(p, 'spec.tolerations', now.tolerations ?? []);
}
