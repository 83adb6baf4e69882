import type { Pod, PodAffinityTerm } from '../../../api/gen/core-v1.ts';
import type { LabelSelector } from '../../../api/gen/meta-v1.ts';

type Labels = Readonly<Record<string, string>>;

function addKeys(
  selector: LabelSelector,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Labels,
): void {
  const known = (keys ?? []).filter((key) => labels[key] !== undefined);
  if (known.length === 0) return;
  const added = known.map((key) => ({ key, operator, values: [labels[key] as string] }));
  selector.matchExpressions = [...(selector.matchExpressions ?? []), ...added];
}

/** Keys by which a new pod is to be alike others, or unlike, become expressions over the labels that it has. */
export function mergeLabelKeys({ metadata, spec }: Pod): void {
  const labels = metadata.labels ?? {};
  const apply = ({ labelSelector, matchLabelKeys, mismatchLabelKeys }: Partial<PodAffinityTerm>): void => {
    if (!labelSelector) return;
    addKeys(labelSelector, matchLabelKeys, 'In', labels);
    addKeys(labelSelector, mismatchLabelKeys, 'NotIn', labels);
  };
  for (const affinity of [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity]) {
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const { podAffinityTerm } of preferred) if (podAffinityTerm) apply(podAffinityTerm);
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) apply(term);
  }
  for (const constraint of spec?.topologySpreadConstraints ?? []) {
    const { labelSelector, matchLabelKeys } = constraint;
    if (labelSelector) addKeys(labelSelector, matchLabelKeys, 'In', labels);
  }
}
