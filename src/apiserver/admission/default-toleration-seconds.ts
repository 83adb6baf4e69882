import type { PodSpec, Toleration } from '../../api/gen/core-v1.ts';
import type { AdmissionPlugin } from './plugin.ts';

const tolerates = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

/** Pods stay five minutes (or as long as is set) on a node that is not ready or not reachable, unless they say how long. */
export const defaultTolerationSeconds = ({ notReady = 300, unreachable = 300 } = {}): AdmissionPlugin => ({
  name: 'DefaultTolerationSeconds',
  operations: ['CREATE', 'UPDATE'],
  resources: ['/pods'],
  mutate({ object }) {
    const spec = object?.spec as PodSpec | undefined;
    if (!spec) return false;
    const seconds = { 'node.kubernetes.io/not-ready': notReady, 'node.kubernetes.io/unreachable': unreachable };
    const missing = Object.entries(seconds).filter(
      ([key]) => !spec.tolerations?.some((toleration) => tolerates(toleration, key)),
    );
    if (missing.length === 0) return false;
    spec.tolerations = [
      ...(spec.tolerations ?? []),
      ...missing.map(([key, tolerationSeconds]) => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds,
      })),
    ];
    return true;
  },
});
