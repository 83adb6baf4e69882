import type { Container, Pod } from '../../../api/gen/core-v1.ts';
import type { Draft, Frozen } from '../types.ts';
import { draftOf, readOf } from './of.ts';

/** The `resize` subresource: nothing but the resources (and resize policies) of containers may change. */
export function resizePod(object: Draft, old: Frozen): void {
  const pod = draftOf<Pod>(object);
  const before = readOf<Pod>(old);
  const asked = pod.spec;
  const spec = { ...(before.spec as NonNullable<Pod['spec']>) };
  spec.containers = resized(spec.containers, asked?.containers) ?? [];
  const initContainers = resized(spec.initContainers, asked?.initContainers);
  if (initContainers) spec.initContainers = initContainers;
  if (asked?.resources) spec.resources = asked.resources;
  pod.spec = spec;
  const { resourceVersion, managedFields } = object.metadata;
  object.metadata = { ...old.metadata, resourceVersion, managedFields };
  object.status = old.status;
}

function resized(containers: Container[] | undefined, asked: Container[] | undefined): Container[] | undefined {
  return containers?.map((container) => {
    const wanted = asked?.find((c) => c.name === container.name);
    if (!wanted) return container;
    const { resources, resizePolicy } = wanted;
    return { ...container, resources, resizePolicy };
  });
}
