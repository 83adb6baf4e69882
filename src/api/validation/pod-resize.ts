import { sameValue } from '../equal.ts';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../gen/core-v1.ts';
import { qosClass } from '../pod-qos.ts';
import type { Problems } from './problems.ts';

/** What a pod that is there may get more or less of. Upstream: `ValidatePodResize`. */

type Amounts = Readonly<Record<string, string>> | undefined;

const removed = (now: Amounts, was: Amounts): boolean =>
  Object.keys(was ?? {}).some((name) => now?.[name] === undefined) ||
  Object.keys(was ?? {}).length > Object.keys(now ?? {}).length;

/** Without what may change of it. */
function fixed(now: Amounts, was: Amounts): Amounts {
  if (!now && !was) return undefined;
  const { cpu: _, memory: __, ...rest } = now ?? {};
  const { cpu, memory } = was ?? {};
  return { ...rest, ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

const fixedParts = (now: ResourceRequirements, was: ResourceRequirements | undefined): ResourceRequirements =>
  withoutEmpty({ limits: fixed(now.limits, was?.limits), requests: fixed(now.requests, was?.requests) });

const withoutEmpty = (given: ResourceRequirements): ResourceRequirements =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value && Object.keys(value).length > 0));

function notRemoved(
  p: Problems,
  path: string,
  now: ResourceRequirements | undefined,
  was: ResourceRequirements | undefined,
  what: string,
): void {
  for (const field of ['requests', 'limits'] as const) {
    if (removed(now?.[field], was?.[field])) p.forbidden(`${path}.${field}`, `${what} ${field} cannot be removed`);
  }
}

const isSet = ({ resources }: PodSpec): boolean =>
  Object.keys(resources?.requests ?? {}).length + Object.keys(resources?.limits ?? {}).length > 0;

function validateWhole(p: Problems, now: PodSpec, was: PodSpec): void {
  if (!isSet(now) && !isSet(was)) return;
  if (was.resources && !now.resources) {
    p.forbidden('spec.resources', 'pod-level resources cannot be removed');
    return;
  }
  if (was.resources) notRemoved(p, 'spec.resources', now.resources, was.resources, 'pod-level resource');
  const rest = withoutEmpty({ claims: now.resources?.claims });
  const kept = { ...fixedParts(now.resources ?? {}, was.resources), ...rest };
  if (!sameValue(kept, withoutEmpty(was.resources ?? {}))) {
    p.forbidden('spec', 'only cpu and memory resources are mutable at pod-level');
  }
}

function sameOrder(p: Problems, list: 'containers' | 'initContainers', now: PodSpec, was: PodSpec): boolean {
  const [a, b] = [now[list] ?? [], was[list] ?? []];
  if (a.length !== b.length) {
    p.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`);
    return false;
  }
  const moved = b.map(({ name }, i) => (a[i]?.name === name ? -1 : i)).filter((i) => i >= 0);
  for (const i of moved) p.forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`);
  return moved.length === 0;
}

/** Whether nothing of a container but the sizes that may change has changed. */
function isResized(now: Container, was: Container): boolean {
  const resources = fixedParts(now.resources ?? {}, was.resources);
  return sameValue({ ...now, resources }, { ...was, resources: withoutEmpty(was.resources ?? {}) });
}

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always';

export function validatePodResize(p: Problems, pod: Pod, old: Pod): void {
  const [now, was] = [pod.spec ?? { containers: [] }, old.spec ?? { containers: [] }];
  if (old.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    p.forbidden('[]', 'static pods cannot be resized');
    return;
  }
  if (was.os?.name === 'windows') {
    p.forbidden('[]', 'windows pods cannot be resized');
    return;
  }
  if ((old.status?.qosClass ?? qosClass(old)) !== qosClass(pod)) {
    p.invalid('spec', pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing');
  }
  const running = old.status?.containerStatuses?.find(({ state }) => state?.running);
  if (running && !running.resources) p.forbidden('spec', 'Pod running on node without support for resize');
  validateWhole(p, now, was);
  const ordered = (['containers', 'initContainers'] as const).map((list) => sameOrder(p, list, now, was));
  if (ordered.includes(false)) return;
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [i, container] of (was[list] ?? []).entries()) {
      notRemoved(p, `spec.${list}[${i}].resources`, now[list]?.[i]?.resources, container.resources, 'resource');
    }
  }
  for (const [i, container] of was.containers.entries()) {
    if (!isResized(now.containers[i] as Container, container)) {
      p.forbidden('spec', 'only cpu and memory resources are mutable');
    }
  }
  for (const [i, container] of (was.initContainers ?? []).entries()) {
    const other = now.initContainers?.[i] as Container;
    const at = `spec.initContainers[${i}]`;
    if (!isResized(other, container)) {
      p.forbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable');
    }
    if (isSidecar(other) || sameValue(other, container)) continue;
    for (const { restartPolicy } of other.resizePolicy ?? []) {
      if (restartPolicy !== 'RestartContainer') continue;
      p.forbidden(at, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized');
    }
  }
}
