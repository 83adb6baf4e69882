import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from './gen/core-v1.ts';

type Labels = Readonly<Record<string, string>>;

const integer = /^[-+]?\d+$/;

function holds({ key, operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const bound = values[0] ?? '';
      if (value === undefined || !integer.test(value) || !integer.test(bound)) return false;
      return operator === 'Gt' ? Number(value) > Number(bound) : Number(value) < Number(bound);
    }
    default:
      throw new Error(`${operator} is not an operator of node selectors (${key})`);
  }
}

/** A term without requirements selects nothing. */
export function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const labels: Labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((r) => holds(r, labels[r.key])) &&
    matchFields.every((r) => holds(r, r.key === 'metadata.name' ? node.metadata.name : undefined))
  );
}

export function nodeSelectorMatches(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => termMatches(term, node));
}

/** The pod's nodeSelector and required node affinity together. */
export function podSelectsNode(pod: Pod, node: Node): boolean {
  const labels: Labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || nodeSelectorMatches(required, node);
}
