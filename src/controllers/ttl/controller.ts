import { nodes } from '../../api/gen/resources.ts';
import type { Component } from '../../base/component.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** Sizes of a cluster, and for how many seconds its nodes may keep secrets and config maps; they overlap against flapping. */
const steps: readonly { from: number; to: number; seconds: number }[] = [
  { from: 0, to: 100, seconds: 0 },
  { from: 90, to: 500, seconds: 15 },
  { from: 450, to: 1000, seconds: 30 },
  { from: 900, to: 2000, seconds: 60 },
  { from: 1800, to: Number.POSITIVE_INFINITY, seconds: 300 },
];

/** The step for a cluster of `count` nodes that was at `step`. */
export function stepFor(count: number, step: number): number {
  let next = step;
  while (count > (steps[next]?.to ?? Number.POSITIVE_INFINITY)) next++;
  while (count < (steps[next]?.from ?? 0)) next--;
  return next;
}

/** Tells each node how long it may keep what it has read, by the size of the cluster. */
export function createTtlController(context: ControllerContext): Component {
  const { client, informers } = context;
  const informer = informers.informer(nodes);
  const committer = createCommitter({ client, resource: nodes, informer });
  let step = 0;
  const touched = (name: string | undefined): string[] => {
    const before = step;
    step = stepFor(informer.list().length, step);
    if (step !== before) return informer.list().map(({ metadata }) => metadata.name ?? '');
    return name === undefined ? [] : [name];
  };
  return createController({
    name: 'ttl',
    log: context.log.child('ttl'),
    workers: 1,
    watches: (queue) => [
      watching(
        queue,
        informer,
        ({ metadata }) => touched(metadata.name),
        (node, old) => node.metadata.annotations?.[annotation] !== old.metadata.annotations?.[annotation],
      ),
    ],
    async reconcile(name) {
      const node = informer.get(name);
      const value = String(steps[step]?.seconds ?? 0);
      if (!node || node.metadata.annotations?.[annotation] === value) return undefined;
      const annotations = { ...node.metadata.annotations, [annotation]: value };
      await committer.commit(node, { ...node, metadata: { ...node.metadata, annotations } });
      return undefined;
    },
  });
}
