import type { PodSpec, Toleration } from '../../api/gen/core-v1.ts';
import type { AdmissionPlugin } from './plugin.ts';

const seconds = 300;
const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const tolerates = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

/** Pods stay five minutes on a node that is not ready or not reachable, unless they say how long. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  operations: ['CREATE', 'UPDATE'],
  resources: ['/pods'],
  mutate({ object }) {
    const spec = object?.spec as PodSpec | undefined;
    if (!spec) return false;
    const missing = keys.filter((key) => !spec.tolerations?.some((toleration) => tolerates(toleration, key)));
    if (missing.length === 0) return false;
    spec.tolerations = [
      ...(spec.tolerations ?? []),
      ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds })),
    ];
    return true;
  },
};
