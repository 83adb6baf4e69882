import type { Pod, TopologySpreadConstraint } from '../../api/gen/core-v1.ts';
import { podSelectsNode } from '../../api/node-selection.ts';
import { type LabelRequirements, matchesLabels, selectorRequirements } from '../../api/selectors.ts';
import { isTolerated } from '../../api/tolerations.ts';
import type { View } from '../cache.ts';
import type { NodeInfo } from '../node-info.ts';
import type { Cycle, Plugin } from '../plugin.ts';

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: LabelRequirements;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

const hostname = 'kubernetes.io/hostname';

function constraintOf(c: TopologySpreadConstraint, pod: Pod): Constraint {
  let selector = selectorRequirements(c.labelSelector) ?? [];
  for (const key of c.matchLabelKeys ?? []) {
    const value = pod.metadata.labels?.[key];
    if (value !== undefined) selector = [...selector, { key, operator: 'in', values: [value] }];
  }
  return {
    topologyKey: c.topologyKey,
    maxSkew: c.maxSkew,
    minDomains: c.minDomains ?? 1,
    selector,
    honorAffinity: (c.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorTaints: c.nodeTaintsPolicy === 'Honor',
  };
}

const defaults: readonly Omit<Constraint, 'selector'>[] = [
  { topologyKey: hostname, maxSkew: 3, minDomains: 1, honorAffinity: true, honorTaints: false },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, minDomains: 1, honorAffinity: true, honorTaints: false },
];

function counts(pod: Pod, node: NodeInfo, c: Constraint): boolean {
  if (c.honorAffinity && !podSelectsNode(pod, node.node)) return false;
  if (!c.honorTaints) return true;
  const tolerations = pod.spec?.tolerations;
  return !node.taints.some((t) => t.effect !== 'PreferNoSchedule' && !isTolerated(tolerations, t));
}

/** Matching pods by the value of the topology label, over the nodes that count. */
function spreadOver(
  pod: Pod,
  view: View,
  c: Constraint,
  nodes: readonly NodeInfo[],
  keys: readonly string[],
): Map<string, number> {
  const namespaces = new Set([pod.metadata.namespace ?? '']);
  const byNode = view.counts({ namespaces, selector: c.selector, withTerminating: false });
  const domains = new Map<string, number>();
  for (const node of nodes) {
    const value = node.labels[c.topologyKey];
    if (value === undefined || keys.some((k) => node.labels[k] === undefined) || !counts(pod, node, c)) continue;
    domains.set(value, (domains.get(value) ?? 0) + (byNode.get(node.name) ?? 0));
  }
  return domains;
}

interface Spread {
  constraint: Constraint;
  domains: Map<string, number>;
  least: number;
  self: number;
}

interface ScoreFacts {
  constraints: readonly Constraint[];
  domains: readonly Map<string, number>[];
  weights: readonly number[];
  ignored: Set<string>;
}

export interface PodTopologySpreadOptions {
  /** What a pod without constraints is spread by: the labels by which its services and owner select it. */
  defaultSelector(pod: Pod): LabelRequirements | undefined;
}

export function createPodTopologySpread(options: PodTopologySpreadOptions): Plugin {
  const soft = (pod: Pod): { constraints: Constraint[]; own: boolean } => {
    const all = pod.spec?.topologySpreadConstraints ?? [];
    if (all.length > 0) {
      const own = all.filter((c) => c.whenUnsatisfiable === 'ScheduleAnyway').map((c) => constraintOf(c, pod));
      return { constraints: own, own: true };
    }
    const selector = options.defaultSelector(pod);
    return { constraints: selector ? defaults.map((d) => ({ ...d, selector })) : [], own: false };
  };

  const score = (cycle: Cycle, feasible: readonly NodeInfo[]): boolean => {
    const { pod } = cycle.pod;
    const { constraints, own } = soft(pod);
    if (constraints.length === 0) return false;
    const keys = own ? constraints.map((c) => c.topologyKey) : [];
    const ignored = new Set(
      own ? feasible.filter((n) => keys.some((k) => n.labels[k] === undefined)).map((n) => n.name) : [],
    );
    const domains = constraints.map((c) => spreadOver(pod, cycle.view, c, cycle.view.nodes, keys));
    const weights = constraints.map((c) => {
      const values = new Set(feasible.filter((n) => !ignored.has(n.name)).map((n) => n.labels[c.topologyKey]));
      return Math.log((c.topologyKey === hostname ? feasible.length - ignored.size : values.size) + 2);
    });
    cycle.facts.set('PodTopologySpread.score', { constraints, domains, weights, ignored } satisfies ScoreFacts);
    return true;
  };

  return {
    name: 'PodTopologySpread',
    wakes: ['node-added', 'node-changed', 'pod-added', 'pod-changed', 'pod-removed'],
    preFilter(cycle) {
      const { pod } = cycle.pod;
      const hard = (pod.spec?.topologySpreadConstraints ?? [])
        .filter((c) => c.whenUnsatisfiable === 'DoNotSchedule')
        .map((c) => constraintOf(c, pod));
      const keys = hard.map((c) => c.topologyKey);
      const spreads = hard.map((constraint): Spread => {
        const domains = spreadOver(pod, cycle.view, constraint, cycle.view.nodes, keys);
        const few = domains.size < constraint.minDomains;
        const least = few ? 0 : Math.min(...domains.values());
        const self = matchesLabels(constraint.selector, pod.metadata.labels) ? 1 : 0;
        return { constraint, domains, least: Number.isFinite(least) ? least : 0, self };
      });
      cycle.facts.set('PodTopologySpread', spreads);
      return undefined;
    },
    filter(cycle, node) {
      for (const { constraint, domains, least, self } of cycle.facts.get('PodTopologySpread') as Spread[]) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) {
          const reason = "node(s) didn't match pod topology spread constraints (missing required label)";
          return { reasons: [reason], unresolvable: true };
        }
        if ((domains.get(value) ?? 0) + self - least > constraint.maxSkew) {
          return { reasons: ["node(s) didn't match pod topology spread constraints"] };
        }
      }
      return undefined;
    },
    score: {
      weight: 2,
      prepare: score,
      of(cycle, node) {
        const facts = cycle.facts.get('PodTopologySpread.score') as ScoreFacts;
        if (facts.ignored.has(node.name)) return 0;
        let sum = 0;
        for (const [i, c] of facts.constraints.entries()) {
          const value = node.labels[c.topologyKey];
          if (value !== undefined)
            sum += (facts.domains[i]?.get(value) ?? 0) * (facts.weights[i] ?? 0) + (c.maxSkew - 1);
        }
        return Math.round(sum);
      },
      normalize(scores, cycle, nodes) {
        const { ignored } = cycle.facts.get('PodTopologySpread.score') as ScoreFacts;
        const judged = scores.filter((_, i) => !ignored.has(nodes[i]?.name ?? ''));
        const min = Math.min(...judged);
        const max = Math.max(0, ...judged);
        for (let i = 0; i < scores.length; i++) {
          if (ignored.has(nodes[i]?.name ?? '')) scores[i] = 0;
          else scores[i] = max === 0 ? 100 : Math.floor((100 * (max + min - (scores[i] ?? 0))) / max);
        }
      },
    },
  };
}
