import type { Pod, PodAffinityTerm } from '../api/gen/core-v1.ts';
import { type LabelRequirements, selectorRequirements } from '../api/selectors.ts';
import { type Amounts, podRequests } from './resources.ts';

/** A pod with what scheduling needs of it worked out once. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly key: string;
  readonly namespace: string;
  readonly priority: number;
  readonly requests: Amounts;
  readonly scored: Amounts;
  /** `protocol|hostIP|port` of each host port. */
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly Term[];
  readonly antiAffinity: readonly Term[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod (anti-)affinity term. */
export interface Term {
  readonly topologyKey: string;
  /** Namespaces named; empty with no selector means the pod's own. */
  readonly namespaces: readonly string[];
  /** Selects namespaces by their labels; an empty list of requirements selects all. */
  readonly namespaceSelector: LabelRequirements | undefined;
  readonly selector: LabelRequirements | undefined;
}

export interface WeightedTerm extends Term {
  readonly weight: number;
}

function termOf(term: PodAffinityTerm, namespace: string, labels: Record<string, string> | undefined): Term {
  const named = term.namespaces ?? [];
  let selector = selectorRequirements(term.labelSelector);
  const also = (keys: readonly string[] | undefined, operator: 'in' | 'notin'): void => {
    for (const key of keys ?? []) {
      const value = labels?.[key];
      if (value !== undefined && selector) selector = [...selector, { key, operator, values: [value] }];
    }
  };
  also(term.matchLabelKeys, 'in');
  also(term.mismatchLabelKeys, 'notin');
  return {
    topologyKey: term.topologyKey,
    namespaces: named.length === 0 && term.namespaceSelector === undefined ? [namespace] : named,
    namespaceSelector: selectorRequirements(term.namespaceSelector),
    selector,
  };
}

function hostPortsOf(pod: Pod): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ port: hostPort, ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP' }] : [],
    ),
  );
}

export function podInfoOf(pod: Pod): PodInfo {
  const namespace = pod.metadata.namespace ?? '';
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const term = (t: PodAffinityTerm): Term => termOf(t, namespace, pod.metadata.labels);
  const weighted = (w: { weight: number; podAffinityTerm: PodAffinityTerm }): WeightedTerm => ({
    ...term(w.podAffinityTerm),
    weight: w.weight,
  });
  return {
    pod,
    uid: pod.metadata.uid ?? '',
    key: `${namespace}/${pod.metadata.name}`,
    namespace,
    priority: pod.spec?.priority ?? 0,
    ...podRequests(pod),
    hostPorts: hostPortsOf(pod),
    affinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    antiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferredAffinity: (podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weighted),
    preferredAntiAffinity: (podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weighted),
  };
}
