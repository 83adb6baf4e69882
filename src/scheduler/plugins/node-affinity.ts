import type { NodeSelectorTerm } from '../../api/gen/core-v1.ts';
import { podSelectsNode, termMatches } from '../../api/node-selection.ts';
import { normalizeByMax, type Plugin } from '../plugin.ts';

/** Names that a term confines to by `metadata.name In (…)`. */
function namesOf(term: NodeSelectorTerm): string[] | undefined {
  const field = term.matchFields?.find((r) => r.key === 'metadata.name' && r.operator === 'In');
  return field?.values;
}

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  wakes: ['node-added', 'node-changed'],
  preFilter({ pod }) {
    const terms =
      pod.pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const names = terms?.map(namesOf);
    if (!names || names.length === 0 || names.some((n) => n === undefined)) return undefined;
    return [...new Set(names.flatMap((n) => n ?? []))];
  },
  filter({ pod }, { node }) {
    if (podSelectsNode(pod.pod, node)) return undefined;
    return { reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };
  },
  score: {
    weight: 2,
    prepare: ({ pod }) =>
      (pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).length > 0,
    of({ pod }, { node }) {
      const preferred = pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      return preferred.reduce((sum, p) => sum + (termMatches(p.preference, node) ? p.weight : 0), 0);
    },
    normalize: (scores) => normalizeByMax(scores),
  },
};
