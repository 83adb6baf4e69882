import type { PodDisruptionBudget } from '../api/gen/policy-v1.ts';
import { labelSelectorMatches } from '../api/selectors.ts';
import { type View, viewWith } from './cache.ts';
import { type Diagnosis, newCycle, prepare, refusalOf, refusalText } from './cycle.ts';
import { addPod, type NodeInfo, nodeInfoOf } from './node-info.ts';
import type { Plugin } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';

/** Pods to evict from a node so that another can have their place. */
export interface Candidate {
  node: string;
  victims: readonly PodInfo[];
  /** Victims whose disruption budgets do not allow it. */
  violations: number;
}

const startOf = ({ pod }: PodInfo): string => pod.status?.startTime ?? '\uffff';

/** The more important first: by priority, then the one that started earlier. */
const byImportance = (a: PodInfo, b: PodInfo): number =>
  b.priority - a.priority || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0);

/** Which of the pods cannot go without breaking a budget. */
function violating(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): Set<PodInfo> {
  const left = budgets.map((b) => b.status?.disruptionsAllowed ?? 0);
  const found = new Set<PodInfo>();
  for (const info of pods) {
    for (const [i, budget] of budgets.entries()) {
      const { pod, namespace } = info;
      if (budget.metadata.namespace !== namespace) continue;
      if (Object.keys(pod.metadata.labels ?? {}).length === 0) continue;
      if (!labelSelectorMatches(budget.spec?.selector, pod.metadata.labels)) continue;
      if (budget.status?.disruptedPods?.[pod.metadata.name ?? ''] !== undefined) continue;
      left[i] = (left[i] ?? 0) - 1;
      if ((left[i] ?? 0) < 0) found.add(info);
    }
  }
  return found;
}

function without(node: NodeInfo, gone: ReadonlySet<PodInfo>): NodeInfo {
  return nodeInfoOf(
    node.node,
    [...node.pods.values()].filter((p) => !gone.has(p)),
  );
}

/** The fewest and least important pods of a node that must go; undefined when even all of them would not do. */
function victimsOn(
  plugins: readonly Plugin[],
  pod: PodInfo,
  view: View,
  node: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
): Candidate | undefined {
  const lesser = [...node.pods.values()].filter((p) => p.priority < pod.priority).sort(byImportance);
  if (lesser.length === 0) return undefined;
  const fits = (candidate: NodeInfo): boolean => {
    const cycle = newCycle(pod, viewWith(view, candidate));
    const prepared = prepare(plugins, cycle);
    return !('refusal' in prepared) && refusalOf(plugins, cycle, candidate) === undefined;
  };
  const trial = without(node, new Set(lesser));
  if (!fits(trial)) return undefined;
  const protectedPods = violating(lesser, budgets);
  const victims: PodInfo[] = [];
  const kept = new Set(trial.pods.values());
  // Those whose eviction would break a budget are the first to be let stay.
  for (const candidate of [
    ...lesser.filter((p) => protectedPods.has(p)),
    ...lesser.filter((p) => !protectedPods.has(p)),
  ]) {
    const back = nodeInfoOf(node.node, kept);
    addPod(back, candidate);
    if (fits(back)) kept.add(candidate);
    else victims.push(candidate);
  }
  victims.sort(byImportance);
  return { node: node.name, victims, violations: victims.filter((v) => protectedPods.has(v)).length };
}

const sumOf = (c: Candidate): number => c.victims.reduce((sum, v) => sum + v.priority + 2 ** 31, 0);

/** Fewest budgets broken, least important victims, fewest of them, the ones that started last. */
function pick(candidates: readonly Candidate[]): Candidate | undefined {
  const latestStart = (c: Candidate): string =>
    c.victims
      .filter((v) => v.priority === c.victims[0]?.priority)
      .map(startOf)
      .sort()[0] ?? '';
  return candidates.toSorted(
    (a, b) =>
      a.violations - b.violations ||
      (a.victims[0]?.priority ?? 0) - (b.victims[0]?.priority ?? 0) ||
      sumOf(a) - sumOf(b) ||
      a.victims.length - b.victims.length ||
      (latestStart(a) > latestStart(b) ? -1 : 1),
  )[0];
}

export interface PreemptionInput {
  plugins: readonly Plugin[];
  pod: PodInfo;
  view: View;
  diagnosis: Diagnosis;
  budgets: readonly PodDisruptionBudget[];
}

/** The best node to make room on, or the words that say why there is none. */
export function findVictims(input: PreemptionInput): { candidate: Candidate } | { message: string } {
  const { plugins, pod, view, diagnosis } = input;
  if (pod.pod.spec?.preemptionPolicy === 'Never') {
    return { message: 'preemption: not eligible due to preemptionPolicy=Never.' };
  }
  const nominated = pod.pod.status?.nominatedNodeName;
  const onNominated = nominated ? view.node(nominated) : undefined;
  if (onNominated && !diagnosis.byNode.get(onNominated.name)?.unresolvable) {
    const leaving = [...onNominated.pods.values()].some(
      (p) => p.priority < pod.priority && p.pod.metadata.deletionTimestamp !== undefined,
    );
    if (leaving) return { message: 'preemption: not eligible due to a terminating pod on the nominated node.' };
  }
  const candidates: Candidate[] = [];
  const failed: Diagnosis = { whole: undefined, byNode: new Map(), plugins: new Set(), nodes: view.nodes.length };
  for (const node of view.nodes) {
    if (diagnosis.whole || diagnosis.byNode.get(node.name)?.unresolvable) {
      failed.byNode.set(node.name, { reasons: ['Preemption is not helpful for scheduling'] });
      continue;
    }
    const candidate = victimsOn(plugins, pod, view, node, input.budgets);
    if (candidate) candidates.push(candidate);
    else failed.byNode.set(node.name, { reasons: ['No preemption victims found for incoming pod'] });
  }
  const candidate = pick(candidates);
  return candidate ? { candidate } : { message: `preemption: ${refusalText(failed)}` };
}
