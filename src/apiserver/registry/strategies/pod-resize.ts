import type { Container, Pod } from '../../../api/gen/core-v1.ts';
import type { Draft, Frozen } from '../types.ts';
import { draftOf, readOf } from './of.ts';

/**
 * The `resize` subresource: nothing but the resources (and resize policies) of containers may change. Where they are
 * not the same containers in the same order, the pod is left as it was asked for: validation says what is wrong.
 */
export function resizePod(object: Draft, old: Frozen): void {
  const pod = draftOf<Pod>(object);
  const before = readOf<Pod>(old).spec;
  const asked = pod.spec;
  if (!before || !asked) return;
  const same = (list: 'containers' | 'initContainers'): boolean => asked[list]?.length === before[list]?.length;
  if (!same('containers') || !same('initContainers')) return;
  const spec = { ...before, containers: resized(before.containers, asked.containers) };
  if (before.initContainers) spec.initContainers = resized(before.initContainers, asked.initContainers ?? []);
  if (asked.resources) spec.resources = asked.resources;
  else delete spec.resources;
  pod.spec = spec;
  const { resourceVersion, managedFields } = object.metadata;
  object.metadata = { ...old.metadata, resourceVersion, managedFields };
  object.status = old.status;
}

function resized(containers: readonly Container[], asked: readonly Container[]): Container[] {
  if (containers.some(({ name }, i) => name !== asked[i]?.name)) return [...asked];
  return containers.map((container, i) => {
    const { resources, resizePolicy } = asked[i] as Container;
    return { ...container, resources, resizePolicy };
  });
}
