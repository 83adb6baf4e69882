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
