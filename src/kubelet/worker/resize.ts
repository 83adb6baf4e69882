import { isDeepStrictEqual } from 'node:util';
import type { Container, PodCondition, ResourceRequirements } from '../../api/gen/core-v1.ts';
import type { LinuxResources } from '../../cri/types.ts';
import { annotationNames, resourcesHash } from '../pod/labels.ts';
import { containersOf, type NodePod } from '../pod/pod.ts';
import { containerResources } from '../pod/resources.ts';
import { type ContainerView, newest, type PodView } from './pod-view.ts';
import type { WorkerServices } from './services.ts';

const resourcesOf = (pod: NodePod): Map<string, ResourceRequirements | undefined> =>
  new Map(containersOf(pod).map(({ container }) => [container.name, container.resources]));

function withResources(pod: NodePod, by: ReadonlyMap<string, ResourceRequirements | undefined>): NodePod {
  const set = (container: Container): Container => {
    const { resources: _, ...rest } = container;
    const resources = by.get(container.name);
    return resources ? { ...rest, resources } : rest;
  };
  const { spec } = pod;
  return {
    ...pod,
    spec: {
      ...spec,
      containers: spec.containers.map(set),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(set) } : {}),
    },
  };
}

/** The resources that a pod was last granted; what it asks for later is granted when the node has it. */
export interface Allocation {
  /** The pod with what it has been granted, and the condition that says why it has not more. */
  apply(pod: NodePod): { pod: NodePod; pending: Pick<PodCondition, 'reason' | 'message'> | undefined };
}

export function createAllocation(options: {
  /** Undefined when the node has room for the pod in this size. */
  refusal: (pod: NodePod) => { reason: 'Deferred' | 'Infeasible'; message: string } | undefined;
}): Allocation {
  let granted: Map<string, ResourceRequirements | undefined> | undefined;
  return {
    apply(pod) {
      const wanted = resourcesOf(pod);
      if (granted === undefined || isDeepStrictEqual(granted, wanted)) {
        granted = wanted;
        return { pod, pending: undefined };
      }
      const pending = options.refusal(pod);
      if (!pending) {
        granted = wanted;
        return { pod, pending: undefined };
      }
      return { pod: withResources(pod, granted), pending };
    },
  };
}

/** No limit is written in several ways. */
const limit = (value: number | undefined): number => (value === undefined || value < 0 ? 0 : value);

export interface PlannedResize {
  view: ContainerView;
  container: Container;
  resources: LinuxResources;
  /** One of the changed resources can only be changed by a restart. */
  restart: boolean;
}

/**
 * Running containers that were created with other resources than they are granted now and do not have these yet. Pure.
 * `applied`: what was given before, by container id; a runtime that reports it in other numbers is not asked for ever.
 */
export function planResizes(
  pod: NodePod,
  view: PodView,
  node: ReturnType<WorkerServices['securityNode']>,
  applied: ReadonlyMap<string, string>,
): PlannedResize[] {
  return containersOf(pod).flatMap((item): PlannedResize[] => {
    const { container } = item;
    const current = newest(view, container.name);
    const actual = current?.resources?.linux;
    if (item.kind === 'ephemeral' || current?.state !== 'CONTAINER_RUNNING' || !actual) return [];
    const created = current.annotations[annotationNames.resources];
    const hash = resourcesHash(container);
    if (created === undefined || (applied.get(current.id) ?? created) === hash) return [];
    const wanted = containerResources(pod, container, node);
    const cpu = actual.cpuShares !== wanted.cpuShares || limit(actual.cpuQuota) !== limit(wanted.cpuQuota);
    const memory = limit(actual.memoryLimitInBytes) !== limit(wanted.memoryLimitInBytes);
    if (!cpu && !memory) return [];
    const restarts = (name: string): boolean =>
      container.resizePolicy?.find((p) => p.resourceName === name)?.restartPolicy === 'RestartContainer';
    const resources: LinuxResources = {
      ...wanted,
      cpuQuota: limit(wanted.cpuQuota) === 0 ? -1 : limit(wanted.cpuQuota),
      ...(memory && limit(wanted.memoryLimitInBytes) === 0 ? { memoryLimitInBytes: -1 } : {}),
    };
    return [
      { view: current, container, resources, restart: (cpu && restarts('cpu')) || (memory && restarts('memory')) },
    ];
  });
}

/**
 * Gives running containers their new limits. The pod's own cgroup is set before (it may grow) and after (it may shrink):
 * the kernel refuses a child that has more than its parent, so the first of the two may fail.
 */
export async function resizeContainers(
  services: WorkerServices,
  pod: NodePod,
  resizes: readonly PlannedResize[],
): Promise<void> {
  await services.ensureCgroup(pod).catch(() => {});
  for (const { view, resources } of resizes) {
    await services.runtime.updateContainerResources(view.id, resources);
    services.views.forget(view.id);
  }
  await services.ensureCgroup(pod);
}
