import type { Pod, Service } from '../gen/core-v1.ts';
import type { KubernetesObject } from '../object.ts';
import type { GroupVersionKind } from '../schema.ts';
import { addressWarnings } from './addresses.ts';

/** What is unwise about a status that is written. */

const balancer = ({ status }: Service): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? addressWarnings(`status.loadBalancer.ingress[${i}]`, ip) : [],
  );

const pod = ({ status }: Pod): string[] =>
  (['podIPs', 'hostIPs'] as const).flatMap((list) =>
    (status?.[list] ?? []).flatMap(({ ip }, i) => addressWarnings(`status.${list}[${i}].ip`, ip ?? '')),
  );

const kinds: Readonly<Record<string, (object: never) => string[]>> = {
  '/Pod': pod,
  '/Service': balancer,
  'networking.k8s.io/Ingress': balancer,
};

export const statusWarnings = ({ group, kind }: GroupVersionKind, object: KubernetesObject): string[] =>
  kinds[`${group}/${kind}`]?.(object as never) ?? [];
