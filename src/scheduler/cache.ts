import type { Node, Pod } from '../api/gen/core-v1.ts';
import { addPod, type NodeInfo, nodeInfoOf, removePod } from './node-info.ts';
import { type CountSpec, countsPod, createPodCounters } from './pod-counters.ts';
import { type PodInfo, podInfoOf } from './pod-info.ts';

/** The cluster as plugins see it: as it is, or as it would be without some pods of one node. */
export interface View {
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Pods that are to come to a node once room has been made for them. */
  nominated(node: string): readonly PodInfo[];
  /** Pods counted by node name; nodes without any may be absent. */
  counts(spec: CountSpec): ReadonlyMap<string, number>;
}

/** Nodes and the pods on them, as told by informers and by the scheduler's own decisions. */
export interface Cache extends View {
  setNode(node: Node): void;
  removeNode(name: string): void;
  /** A pod seen on a node; ends its being assumed. */
  setPod(pod: Pod): void;
  removePod(uid: string): void;
  /** Counts a pod as being on the node before the API knows. */
  assume(pod: PodInfo, node: string): void;
  /** The decision did not hold. */
  forget(uid: string): void;
  isAssumed(uid: string): boolean;
  /** The node on which room is being made for the pod; undefined: none any more. */
  nominate(pod: PodInfo, node: string | undefined): void;
  nodeOf(uid: string): string | undefined;
}

export function createCache(): Cache {
  const nodes = new Map<string, NodeInfo>();
  /** Pods whose node is not (or no longer) known. */
  const astray = new Map<string, Map<string, PodInfo>>();
  const places = new Map<string, string>();
  const assumed = new Set<string>();
  const nominations = new Map<string, { pod: PodInfo; node: string }>();
  let list: NodeInfo[] | undefined;

  function* everyPod(): Generator<readonly [string, PodInfo]> {
    for (const node of nodes.values()) for (const pod of node.pods.values()) yield [node.name, pod];
  }
  const counters = createPodCounters(everyPod);

  const put = (pod: PodInfo, name: string): void => {
    places.set(pod.uid, name);
    const node = nodes.get(name);
    if (node) {
      addPod(node, pod);
      counters.added(pod, name);
    } else {
      const strays = astray.get(name) ?? new Map<string, PodInfo>();
      strays.set(pod.uid, pod);
      astray.set(name, strays);
    }
  };

  const take = (uid: string): void => {
    const name = places.get(uid);
    if (name === undefined) return;
    places.delete(uid);
    assumed.delete(uid);
    const node = nodes.get(name);
    const pod = node && removePod(node, uid);
    if (pod) counters.removed(pod, name);
    astray.get(name)?.delete(uid);
  };

  return {
    get nodes() {
      list ??= [...nodes.values()];
      return list;
    },
    node: (name) => nodes.get(name),
    counts: counters.counts,
    nominated(name) {
      if (nominations.size === 0) return [];
      return [...nominations.values()].filter((n) => n.node === name).map((n) => n.pod);
    },
    nominate(pod, node) {
      if (node === undefined) nominations.delete(pod.uid);
      else nominations.set(pod.uid, { pod, node });
    },
    setNode(node) {
      const name = node.metadata.name ?? '';
      const strays = astray.get(name);
      astray.delete(name);
      nodes.set(name, nodeInfoOf(node, [...(nodes.get(name)?.pods.values() ?? []), ...(strays?.values() ?? [])]));
      for (const pod of strays?.values() ?? []) counters.added(pod, name);
      list = undefined;
    },
    removeNode(name) {
      const node = nodes.get(name);
      if (!node) return;
      for (const pod of node.pods.values()) counters.removed(pod, name);
      if (node.pods.size > 0) astray.set(name, new Map(node.pods));
      nodes.delete(name);
      list = undefined;
    },
    setPod(pod) {
      const uid = pod.metadata.uid ?? '';
      nominations.delete(uid);
      take(uid);
      put(podInfoOf(pod), pod.spec?.nodeName ?? '');
    },
    removePod(uid) {
      nominations.delete(uid);
      take(uid);
    },
    assume(pod, name) {
      nominations.delete(pod.uid);
      take(pod.uid);
      put(pod, name);
      assumed.add(pod.uid);
    },
    forget(uid) {
      if (assumed.has(uid)) take(uid);
    },
    isAssumed: (uid) => assumed.has(uid),
    nodeOf: (uid) => places.get(uid),
  };
}

/** `view` as it would be with `node` in the place of the node of that name. */
export function viewWith(view: View, node: NodeInfo): View {
  const old = view.node(node.name);
  const gone = old ? [...old.pods.values()].filter((p) => !node.pods.has(p.uid)) : [];
  const added = [...node.pods.values()].filter((p) => !old?.pods.has(p.uid));
  return {
    nodes: view.nodes.map((n) => (n.name === node.name ? node : n)),
    node: (name) => (name === node.name ? node : view.node(name)),
    nominated: view.nominated,
    counts(spec) {
      const change = added.filter((p) => countsPod(spec, p)).length - gone.filter((p) => countsPod(spec, p)).length;
      const counts = view.counts(spec);
      if (change === 0) return counts;
      return new Map(counts).set(node.name, (counts.get(node.name) ?? 0) + change);
    },
  };
}
