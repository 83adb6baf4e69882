import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pod } from '../../../api/gen/core-v1.ts';
import { inShort, violations } from './checks.ts';
import { equivalent, isPrivileged, type LevelVersion, modes, type Policy, prefix, shown } from './policy.ts';

const mostPods = 3000;
const longestMs = 1000;

/** One pod of each controller comes first: the others are very likely as it is. */
function byController(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const first: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    const controller = pod.metadata?.ownerReferences?.find((owner) => owner.controller)?.uid;
    if (controller === undefined || !seen.has(controller)) first.push(pod);
    else others.push(pod);
    if (controller !== undefined) seen.add(controller);
  }
  return [...first, ...others];
}

const others = (count: number): string =>
  count === 1 ? '' : count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`;

/** What a namespace's present pods do that its new level forbids, as warnings. */
export async function warningsAbout(
  namespace: string,
  pods: readonly Pod[],
  enforce: LevelVersion,
  now: () => number = () => performance.now(),
): Promise<string[]> {
  const until = now() + longestMs;
  const found = new Map<string, { name: string; count: number }>();
  const sorted = byController(pods).slice(0, mostPods);
  let checked = 0;
  for (const pod of sorted) {
    checked++;
    const text = inShort(violations(enforce, pod.spec as NonNullable<Pod['spec']>, pod.metadata?.annotations));
    if (text !== '') {
      const name = pod.metadata?.name ?? '';
      const before = found.get(text);
      found.set(text, { name: before && before.name < name ? before.name : name, count: (before?.count ?? 0) + 1 });
    }
    if (checked % 100 === 0) await nextTurn();
    if (now() > until) break;
  }
  const warnings: string[] = [];
  if (checked < pods.length)
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
    );
  if (found.size > 0)
    warnings.push(
      `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(shown(enforce))}`,
    );
  const texts = [...found].map(([text, { name, count }]) => `${name}${others(count)}: ${text}`).sort();
  return [...warnings, ...texts];
}

/** What is said of a namespace that asks for something and is exempt from it. */
export function exemptWarning(
  namespace: string,
  labels: Readonly<Record<string, string>>,
  policy: Policy,
  defaults: Policy,
): string | undefined {
  if (isPrivileged(policy) || equivalent(policy, defaults)) return undefined;
  const asked = modes
    .filter((mode) => policy[mode].level !== 'privileged')
    .filter((mode) => labels[`${prefix}${mode}`] !== undefined || labels[`${prefix}${mode}-version`] !== undefined)
    .map((mode) => `${mode}=${shown(policy[mode])}`);
  return `namespace ${JSON.stringify(namespace)} is exempt from Pod Security, and the policy (${asked.join(', ')}) will be ignored`;
}
