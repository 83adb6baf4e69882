import type { Taint, Toleration } from './gen/core-v1.ts';

/** Whether the toleration covers the taint; the numeric operators compare as whole numbers. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator || 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Gt':
      return Number(taint.value) > Number(toleration.value);
    case 'Lt':
      return Number(taint.value) < Number(toleration.value);
    default:
      return false;
  }
}

export const isTolerated = (tolerations: readonly Toleration[] | undefined, taint: Taint): boolean =>
  (tolerations ?? []).some((t) => tolerates(t, taint));

const sameToleration = (a: Toleration, b: Toleration): boolean =>
  (['key', 'operator', 'value', 'effect', 'tolerationSeconds'] as const).every(
    (field) => (a[field] ?? '') === (b[field] ?? ''),
  );

/** Whether the first tolerates all that the second does. */
function includes(whole: Toleration, part: Toleration): boolean {
  if (sameToleration(whole, part)) return true;
  if ((part.key ?? '') !== (whole.key ?? '') && (whole.key || whole.operator !== 'Exists')) return false;
  if (part.effect !== whole.effect && whole.effect) return false;
  if (whole.effect === 'NoExecute' && whole.tolerationSeconds !== undefined) {
    if (part.tolerationSeconds === undefined || part.tolerationSeconds > whole.tolerationSeconds) return false;
  }
  if (whole.operator === 'Exists') return true;
  if (whole.operator && whole.operator !== 'Equal') return false;
  return part.operator === 'Equal' && (part.value ?? '') === (whole.value ?? '');
}

/** Without those that another includes; of two that are the same the first stays. Upstream: `util/tolerations`. */
export function mergedTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = [];
  for (const [i, toleration] of all.entries()) {
    if (merged.some((other) => includes(other, toleration))) continue;
    const later = all.slice(i + 1);
    if (later.some((other) => !sameToleration(other, toleration) && includes(other, toleration))) continue;
    merged.push(toleration);
  }
  return merged;
}
