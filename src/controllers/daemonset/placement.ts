import type { DaemonSet } from '../../api/gen/apps-v1.ts';
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Toleration } from '../../api/gen/core-v1.ts';
import { podSelectsNode } from '../../api/node-selection.ts';
import { isTolerated } from '../../api/tolerations.ts';

/** What every daemon pod tolerates. */
export const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const hostNetworkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

function tolerationsFor(own: readonly Toleration[] | undefined, hostNetwork: boolean): Toleration[] {
  const extra = hostNetwork ? [...daemonTolerations, hostNetworkToleration] : daemonTolerations;
  const same = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && a.value === b.value;
  return [...(own ?? []).filter((t) => !extra.some((e) => same(e, t))), ...extra];
}

function pinned(terms: readonly NodeSelectorTerm[] | undefined, node: string): NodeSelectorTerm[] {
  const field: NodeSelectorRequirement = { key: 'metadata.name', operator: 'In', values: [node] };
  if (!terms || terms.length === 0) return [{ matchFields: [field] }];
  return terms.map((t) => ({ ...t, matchFields: [field] }));
}

/** Makes a pod one for this node, whatever happens to the node. */
export function pinToNode(pod: Pod, node: string): void {
  const spec = pod.spec ?? { containers: [] };
  const affinity = { ...spec.affinity };
  const nodeAffinity = { ...affinity.nodeAffinity };
  const terms = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: pinned(terms, node) };
  spec.affinity = { ...affinity, nodeAffinity };
  spec.tolerations = tolerationsFor(spec.tolerations, spec.hostNetwork === true);
  pod.spec = spec;
}

/** The node for which a daemon pod was made, bound or not. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  for (const term of terms ?? []) {
    const field = term.matchFields?.find((f) => f.key === 'metadata.name' && f.operator === 'In');
    if (field?.values?.length === 1) return field.values[0];
  }
  return undefined;
}

function selected(set: DaemonSet, node: Node): boolean {
  const spec = set.spec?.template.spec;
  if (spec?.nodeName && spec.nodeName !== node.metadata.name) return false;
  return podSelectsNode({ metadata: {}, spec: spec ?? { containers: [] } }, node);
}

/** Whether a pod of the set should be started on the node, and whether one that is there may stay. */
export function placement(set: DaemonSet, node: Node): { run: boolean; stay: boolean } {
  if (!selected(set, node)) return { run: false, stay: false };
  const spec = set.spec?.template.spec;
  const tolerations = tolerationsFor(spec?.tolerations, spec?.hostNetwork === true);
  const untolerated = (node.spec?.taints ?? []).filter((taint) => !isTolerated(tolerations, taint));
  return {
    run: !untolerated.some((t) => t.effect === 'NoSchedule' || t.effect === 'NoExecute'),
    stay: !untolerated.some((t) => t.effect === 'NoExecute'),
  };
}
