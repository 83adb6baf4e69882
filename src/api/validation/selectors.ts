import type { LabelSelector } from '../gen/meta-v1.ts';
import { isLabelValue, isQualifiedName } from '../names.ts';
import { labelSelectorMatches } from '../selectors.ts';

/** How many values go with an operator. */
const values: Readonly<Record<string, (count: number) => boolean>> = {
  In: (count) => count > 0,
  NotIn: (count) => count > 0,
  Exists: (count) => count === 0,
  DoesNotExist: (count) => count === 0,
};

/** Whether a selector can be used at all; what is wrong with it is said elsewhere. */
export function isUsable(selector: LabelSelector | undefined): boolean {
  const isKey = (key: string): boolean => isQualifiedName(key).length === 0;
  const isValue = (value: string): boolean => isLabelValue(value).length === 0;
  return (
    Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => isKey(key) && isValue(value)) &&
    (selector?.matchExpressions ?? []).every(
      ({ key, operator, values: given = [] }) =>
        isKey(key ?? '') && (values[operator]?.(given.length) ?? false) && given.every(isValue),
    )
  );
}

/** Whether a selector leaves these labels out. */
export const leavesOut = (selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean =>
  isUsable(selector) && !labelSelectorMatches(selector, labels);
