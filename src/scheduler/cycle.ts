import { type View, viewWith } from './cache.ts';
import { type NodeInfo, nodeInfoOf } from './node-info.ts';
import type { Cycle, Plugin, Refusal } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';

/** A node was found, or why none was. */
export type Decision = { node: string; cycle: Cycle } | { node: undefined; cycle: Cycle; diagnosis: Diagnosis };

export interface Diagnosis {
  /** Set when the pod was refused before nodes were looked at. */
  whole: Refusal | undefined;
  byNode: Map<string, Refusal>;
  /** Names of the plugins that refused. */
  plugins: Set<string>;
  nodes: number;
}

export function newCycle(pod: PodInfo, view: View): Cycle {
  return { pod, view, facts: new Map() };
}

/** Runs the pre-filters. The result says which nodes are worth a look. */
export function prepare(
  plugins: readonly Plugin[],
  cycle: Cycle,
): { refusal: Refusal; plugin: string } | { names: ReadonlySet<string> | undefined } {
  let names: Set<string> | undefined;
  for (const plugin of plugins) {
    const result = plugin.preFilter?.(cycle);
    if (result === undefined) continue;
    if ('reasons' in result) return { refusal: result, plugin: plugin.name };
    names = new Set(names ? result.filter((n) => names?.has(n)) : result);
  }
  return { names };
}

/** The first refusal of the node by any filter. */
export function refusalOf(
  plugins: readonly Plugin[],
  cycle: Cycle,
  node: NodeInfo,
): { refusal: Refusal; plugin: string } | undefined {
  for (const plugin of plugins) {
    const refusal = plugin.filter?.(cycle, node);
    if (refusal) return { refusal, plugin: plugin.name };
  }
  return undefined;
}

/**
 * As `refusalOf`, but also with the pods there for which room is being made on the node and which are no less
 * important: what was cleared for them is not given away.
 */
export function refusalWithNominated(
  plugins: readonly Plugin[],
  cycle: Cycle,
  node: NodeInfo,
): { refusal: Refusal; plugin: string } | undefined {
  const coming = cycle.view
    .nominated(node.name)
    .filter((p) => p.uid !== cycle.pod.uid && p.priority >= cycle.pod.priority);
  if (coming.length > 0) {
    const fuller = nodeInfoOf(node.node, [...node.pods.values(), ...coming]);
    const then = newCycle(cycle.pod, viewWith(cycle.view, fuller));
    const prepared = prepare(plugins, then);
    const refused = 'refusal' in prepared ? prepared : refusalOf(plugins, then, fuller);
    if (refused) return refused;
  }
  return refusalOf(plugins, cycle, node);
}

/** With many nodes only a share of them is looked at: enough to choose from. As upstream's adaptive percentage. */
export function enough(nodes: number): number {
  if (nodes < 100) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(100, Math.floor((nodes * percent) / 100));
}

export interface Decider {
  decide(pod: PodInfo, view: View): Decision;
}

/** Filters, scores, and picks the best node; of equals any. */
export function createDecider(plugins: readonly Plugin[], random: () => number = Math.random): Decider {
  let offset = 0;

  const feasible = (cycle: Cycle, diagnosis: Diagnosis, names: ReadonlySet<string> | undefined): NodeInfo[] => {
    const { nodes } = cycle.view;
    const wanted = enough(names?.size ?? nodes.length);
    const found: NodeInfo[] = [];
    let looked = 0;
    for (; looked < nodes.length && found.length < wanted; looked++) {
      const node = nodes[(offset + looked) % nodes.length] as NodeInfo;
      if (names && !names.has(node.name)) {
        diagnosis.byNode.set(node.name, {
          reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"],
          unresolvable: true,
        });
        diagnosis.plugins.add('NodeAffinity');
        continue;
      }
      const refused = refusalWithNominated(plugins, cycle, node);
      if (refused) {
        diagnosis.byNode.set(node.name, refused.refusal);
        diagnosis.plugins.add(refused.plugin);
      } else {
        found.push(node);
      }
    }
    offset = nodes.length === 0 ? 0 : (offset + looked) % nodes.length;
    return found;
  };

  const best = (cycle: Cycle, nodes: readonly NodeInfo[]): NodeInfo => {
    const totals = nodes.map(() => 0);
    for (const { score } of plugins) {
      if (!score || score.prepare?.(cycle, nodes) === false) continue;
      const scores = nodes.map((node) => score.of(cycle, node));
      score.normalize?.(scores, cycle, nodes);
      for (const [i, value] of scores.entries()) totals[i] = (totals[i] ?? 0) + value * score.weight;
    }
    let chosen = 0;
    let equals = 1;
    for (let i = 1; i < totals.length; i++) {
      const difference = (totals[i] ?? 0) - (totals[chosen] ?? 0);
      if (difference > 0) {
        chosen = i;
        equals = 1;
      } else if (difference === 0) {
        equals += 1;
        if (random() * equals < 1) chosen = i;
      }
    }
    return nodes[chosen] as NodeInfo;
  };

  return {
    decide(pod, view) {
      const cycle = newCycle(pod, view);
      const diagnosis: Diagnosis = {
        whole: undefined,
        byNode: new Map(),
        plugins: new Set(),
        nodes: view.nodes.length,
      };
      const prepared = prepare(plugins, cycle);
      if ('refusal' in prepared) {
        diagnosis.whole = prepared.refusal;
        diagnosis.plugins.add(prepared.plugin);
        return { node: undefined, cycle, diagnosis };
      }
      const nominated = pod.pod.status?.nominatedNodeName;
      const chosen = nominated ? view.node(nominated) : undefined;
      if (chosen && !refusalWithNominated(plugins, cycle, chosen)) return { node: chosen.name, cycle };
      const found = feasible(cycle, diagnosis, prepared.names);
      if (found.length === 0) return { node: undefined, cycle, diagnosis };
      return { node: (found.length === 1 ? (found[0] as NodeInfo) : best(cycle, found)).name, cycle };
    },
  };
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).` */
export function refusalText(diagnosis: Diagnosis, after = ''): string {
  if (diagnosis.nodes === 0 && after !== '') return 'no nodes available to schedule pods';
  const head = `0/${diagnosis.nodes} nodes are available:`;
  const tail = after === '' ? '' : ` ${after}`;
  if (diagnosis.whole) return `${head} ${diagnosis.whole.reasons.join(', ')}.${tail}`;
  const counts = new Map<string, number>();
  for (const { reasons } of diagnosis.byNode.values()) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const texts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `${head}${texts.length > 0 ? ` ${texts.join(', ')}.` : ''}${tail}`;
}
