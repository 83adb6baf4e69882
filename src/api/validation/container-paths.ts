import type { Container, PodSpec } from '../gen/core-v1.ts';

/** Every container of a pod with its path, in the order in which upstream visits them. */
export function containersOf(spec: PodSpec, path: string): { container: Container; path: string }[] {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
  return lists.flatMap((list) =>
    (spec[list] ?? []).map((container, i) => ({ container: container as Container, path: `${path}.${list}[${i}]` })),
  );
}
