import { matchesLabels } from '../../api/selectors.ts';
import type { NodeInfo } from '../node-info.ts';
import type { Cycle, Plugin, Refusal } from '../plugin.ts';
import type { PodInfo, Term, WeightedTerm } from '../pod-info.ts';

export interface InterPodAffinityOptions {
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  namespaces(): readonly string[];
}

/** Counts by topology value: `key\u0000value`. */
type Tally = Map<string, number>;

interface Facts {
  /** Where existing pods want no pod like this one. */
  banned: Tally;
  /** Per required term of the pod: how many pods it matches, by topology value. */
  affinity: Tally[];
  antiAffinity: Tally[];
}

const none: Refusal = { reasons: [] };
const place = (key: string, value: string): string => `${key}\u0000${value}`;

function add(tally: Tally, key: string, by: number): void {
  tally.set(key, (tally.get(key) ?? 0) + by);
}

export function createInterPodAffinity(options: InterPodAffinityOptions): Plugin {
  const namespacesOf = (term: Term): ReadonlySet<string> => {
    const names = new Set(term.namespaces);
    const { namespaceSelector } = term;
    if (namespaceSelector) {
      for (const name of options.namespaces()) {
        if (matchesLabels(namespaceSelector, options.namespaceLabels(name))) names.add(name);
      }
    }
    return names;
  };

  const termSelects = (term: Term, pod: PodInfo): boolean => {
    if (!term.selector || !matchesLabels(term.selector, pod.pod.metadata.labels)) return false;
    if (term.namespaces.includes(pod.namespace)) return true;
    return (
      term.namespaceSelector !== undefined &&
      matchesLabels(term.namespaceSelector, options.namespaceLabels(pod.namespace) ?? {})
    );
  };

  /** How many pods the term selects, by the value of its topology label. */
  const tallyOf = (cycle: Cycle, term: Term): Tally => {
    const tally: Tally = new Map();
    if (!term.selector) return tally;
    const counts = cycle.view.counts({
      namespaces: namespacesOf(term),
      selector: term.selector,
      withTerminating: true,
    });
    for (const [name, count] of counts) {
      const value = cycle.view.node(name)?.labels[term.topologyKey];
      if (value !== undefined && count > 0) add(tally, value, count);
    }
    return tally;
  };

  const bannedPlaces = ({ pod, view }: Cycle): Tally => {
    const banned: Tally = new Map();
    for (const node of view.nodes) {
      for (const other of node.withAntiAffinity) {
        for (const term of other.antiAffinity) {
          const value = node.labels[term.topologyKey];
          if (value !== undefined && termSelects(term, pod)) add(banned, place(term.topologyKey, value), 1);
        }
      }
    }
    return banned;
  };

  const affinityHolds = ({ pod }: Cycle, facts: Facts, node: NodeInfo): boolean => {
    let matched = true;
    for (const [i, term] of pod.affinity.entries()) {
      const value = node.labels[term.topologyKey];
      if (value === undefined) return false;
      if (!facts.affinity[i]?.get(value)) matched = false;
    }
    if (matched) return true;
    // The first of a group whose pods want each other may go anywhere.
    return facts.affinity.every((t) => t.size === 0) && pod.affinity.every((t) => termSelects(t, pod));
  };

  const scoreTerms = (tally: Tally, terms: readonly WeightedTerm[], cycle: Cycle, sign: 1 | -1): void => {
    for (const term of terms) {
      for (const [value, count] of tallyOf(cycle, term))
        add(tally, place(term.topologyKey, value), sign * term.weight * count);
    }
  };

  const scoreExisting = (tally: Tally, { pod, view }: Cycle): void => {
    for (const node of view.nodes) {
      for (const other of node.withAffinity) {
        const vote = (term: Term, weight: number): void => {
          const value = node.labels[term.topologyKey];
          if (value !== undefined && termSelects(term, pod)) add(tally, place(term.topologyKey, value), weight);
        };
        for (const term of other.affinity) vote(term, 1);
        for (const term of other.preferredAffinity) vote(term, term.weight);
        for (const term of other.preferredAntiAffinity) vote(term, -term.weight);
      }
    }
  };

  return {
    name: 'InterPodAffinity',
    wakes: ['node-added', 'node-changed', 'pod-added', 'pod-changed', 'pod-removed'],
    preFilter(cycle) {
      const { pod, facts } = cycle;
      facts.set('InterPodAffinity', {
        banned: bannedPlaces(cycle),
        affinity: pod.affinity.map((t) => tallyOf(cycle, t)),
        antiAffinity: pod.antiAffinity.map((t) => tallyOf(cycle, t)),
      } satisfies Facts);
      return undefined;
    },
    filter(cycle, node) {
      const facts = cycle.facts.get('InterPodAffinity') as Facts;
      if (!affinityHolds(cycle, facts, node)) {
        return { reasons: ["node(s) didn't match pod affinity rules"], unresolvable: true };
      }
      for (const [i, term] of cycle.pod.antiAffinity.entries()) {
        const value = node.labels[term.topologyKey];
        if (value !== undefined && facts.antiAffinity[i]?.get(value)) {
          return { ...none, reasons: ["node(s) didn't match pod anti-affinity rules"] };
        }
      }
      for (const key of facts.banned.keys()) {
        const [label = '', value] = key.split('\u0000');
        if (node.labels[label] === value) {
          return { ...none, reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"] };
        }
      }
      return undefined;
    },
    score: {
      weight: 2,
      prepare(cycle) {
        const { pod, view, facts } = cycle;
        const own = pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
        if (!own && !view.nodes.some((n) => n.withAffinity.size > 0)) return false;
        const tally: Tally = new Map();
        scoreTerms(tally, pod.preferredAffinity, cycle, 1);
        scoreTerms(tally, pod.preferredAntiAffinity, cycle, -1);
        scoreExisting(tally, cycle);
        facts.set('InterPodAffinity.score', tally);
        return tally.size > 0;
      },
      of({ facts }, node) {
        let sum = 0;
        for (const [key, weight] of facts.get('InterPodAffinity.score') as Tally) {
          const [label = '', value] = key.split('\u0000');
          if (node.labels[label] === value) sum += weight;
        }
        return sum;
      },
      normalize(scores) {
        const min = Math.min(...scores);
        const range = Math.max(...scores) - min;
        for (let i = 0; i < scores.length; i++) {
          scores[i] = range === 0 ? 0 : Math.floor((100 * ((scores[i] ?? 0) - min)) / range);
        }
      },
    },
  };
}
