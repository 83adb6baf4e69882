import type { NamespaceCondition } from '../../api/gen/core-v1.ts';
import { findCondition } from '../runtime/conditions.ts';
import { timeText } from '../runtime/time.ts';

/** What was found while a namespace was emptied. */
export interface Findings {
  discoveryFailures: ReadonlyMap<string, string>;
  deletionErrors: readonly string[];
  /** `resource.group` to how many are left. */
  remaining: ReadonlyMap<string, number>;
  /** Finalizer to how many objects still carry it. */
  finalizers: ReadonlyMap<string, number>;
}

type Told = Pick<NamespaceCondition, 'type' | 'status' | 'reason' | 'message'>;

const joined = (map: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string =>
  [...map]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => text(name, count))
    .sort()
    .join(', ');

function told(findings: Findings): Told[] {
  const { discoveryFailures, deletionErrors, remaining, finalizers } = findings;
  const failed = [...discoveryFailures].map(([version, why]) => `${version}: ${why}`).join(', ');
  const condition = (type: string, bad: boolean, whenBad: [string, string], whenGood: [string, string]): Told => ({
    type,
    status: bad ? 'True' : 'False',
    reason: (bad ? whenBad : whenGood)[0],
    message: (bad ? whenBad : whenGood)[1],
  });
  return [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      discoveryFailures.size > 0,
      ['DiscoveryFailed', `Discovery failed for some groups, ${discoveryFailures.size} failing: ${failed}`],
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      ['GroupVersionParsingFailed', ''],
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ),
    condition(
      'NamespaceDeletionContentFailure',
      deletionErrors.length > 0,
      [
        'ContentDeletionFailed',
        `Failed to delete all resource types, ${deletionErrors.length} remaining: ${deletionErrors.toSorted().join(', ')}`,
      ],
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ),
    condition(
      'NamespaceContentRemaining',
      remaining.size > 0,
      [
        'SomeResourcesRemain',
        `Some resources are remaining: ${joined(remaining, (name, n) => `${name} has ${n} resource instances`)}`,
      ],
      ['ContentRemoved', 'All content successfully removed'],
    ),
    condition(
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      [
        'SomeFinalizersRemain',
        `Some content in the namespace has finalizers remaining: ${joined(finalizers, (name, n) => `${name} in ${n} resource instances`)}`,
      ],
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ),
  ];
}

/** The conditions by which a namespace tells why it is not gone yet. */
export function namespaceConditions(
  old: readonly NamespaceCondition[] | undefined,
  findings: Findings,
  now: number,
): NamespaceCondition[] {
  const next = told(findings).map((condition): NamespaceCondition => {
    const known = findCondition(old, condition.type);
    const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : timeText(now);
    return { ...condition, lastTransitionTime };
  });
  const others = (old ?? []).filter((c) => !next.some((n) => n.type === c.type));
  return [...others, ...next];
}
