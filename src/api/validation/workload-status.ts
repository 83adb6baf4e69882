import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../gen/apps-v1.ts';
import type { ReplicationController } from '../gen/core-v1.ts';
import type { Problems } from './problems.ts';

/** Counts of pods, as controllers write them. Upstream: `pkg/apis/{apps,core}/validation`. */

type Counts = Readonly<Record<string, number | undefined>>;

interface Counted {
  status?: object | undefined;
}

const countsOf = ({ status }: Counted): Counts => (status ?? {}) as Counts;

/** None below nothing; those of `parts` not above all; those that are available are ready. */
function validateCounts(
  p: Problems,
  object: Counted,
  fields: readonly string[],
  parts: readonly string[],
  ready = 'readyReplicas',
): void {
  const counts = countsOf(object);
  for (const field of fields) p.nonNegative(`status.${field}`, counts[field]);
  const notAbove = (field: string, other: string, shown: string): void => {
    const value = counts[field] ?? 0;
    if (value > (counts[other] ?? 0)) p.invalid(`status.${field}`, value, `cannot be greater than ${shown}`);
  };
  for (const part of parts) notAbove(part, 'replicas', 'status.replicas');
  if (parts.includes('availableReplicas')) notAbove('availableReplicas', 'readyReplicas', ready);
}

/** How often names of revisions collided only grows. */
function validateCollisions(p: Problems, object: Counted, old: Counted): void {
  const [now, was] = [countsOf(object).collisionCount, countsOf(old).collisionCount];
  if (was !== undefined && (now === undefined || now < was)) {
    p.invalid('status.collisionCount', now ?? 0, 'cannot be decremented');
  }
}

export function validateDeploymentStatus(p: Problems, object: Deployment, old: Deployment): void {
  const parts = ['updatedReplicas', 'readyReplicas', 'availableReplicas'];
  const others = ['unavailableReplicas', 'terminatingReplicas', 'collisionCount'];
  validateCounts(p, object, ['observedGeneration', 'replicas', ...parts, ...others], parts, 'readyReplicas');
  validateCollisions(p, object, old);
}

export function validateReplicaStatus(p: Problems, object: ReplicaSet | ReplicationController): void {
  const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'];
  validateCounts(p, object, ['replicas', ...parts, 'observedGeneration', 'terminatingReplicas'], parts);
}

export function validateStatefulSetStatus(p: Problems, object: StatefulSet, old: StatefulSet): void {
  const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'];
  const fields = ['replicas', ...parts, 'observedGeneration', 'collisionCount'];
  validateCounts(p, object, fields, parts, 'status.readyReplicas');
  validateCollisions(p, object, old);
}

const daemonCounts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
];

export function validateDaemonSetStatus(p: Problems, object: DaemonSet, old: DaemonSet): void {
  validateCounts(p, object, daemonCounts, []);
  validateCollisions(p, object, old);
}
