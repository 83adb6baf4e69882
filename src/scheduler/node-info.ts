import type { Node, Taint } from '../api/gen/core-v1.ts';
import { quantityValue } from '../api/quantity.ts';
import type { HostPort, PodInfo } from './pod-info.ts';
import { type Amounts, addAmounts, amountsOf, noAmounts } from './resources.ts';

/** A node with the pods on it (assumed ones too) and the sums over them. */
export interface NodeInfo {
  readonly name: string;
  readonly node: Node;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly allocatable: Amounts;
  readonly allowedPods: number;
  readonly images: ReadonlyMap<string, number>;
  readonly pods: Map<string, PodInfo>;
  readonly requested: Amounts;
  readonly scored: Amounts;
  readonly withAntiAffinity: Set<PodInfo>;
  readonly withAffinity: Set<PodInfo>;
  readonly hostPorts: Map<HostPort, PodInfo>;
}

export function nodeInfoOf(node: Node, pods: Iterable<PodInfo> = []): NodeInfo {
  const allocatable = node.status?.allocatable as Record<string, string> | undefined;
  const images = new Map<string, number>();
  for (const image of node.status?.images ?? []) {
    for (const name of image.names ?? []) images.set(name, image.sizeBytes ?? 0);
  }
  const info: NodeInfo = {
    name: node.metadata.name ?? '',
    node,
    labels: node.metadata.labels ?? {},
    taints: node.spec?.taints ?? [],
    allocatable: amountsOf(allocatable),
    allowedPods: allocatable?.pods === undefined ? 0 : quantityValue(allocatable.pods),
    images,
    pods: new Map(),
    requested: noAmounts(),
    scored: noAmounts(),
    withAntiAffinity: new Set(),
    withAffinity: new Set(),
    hostPorts: new Map(),
  };
  for (const pod of pods) addPod(info, pod);
  return info;
}

export function addPod(node: NodeInfo, pod: PodInfo): void {
  node.pods.set(pod.uid, pod);
  addAmounts(node.requested, pod.requests);
  addAmounts(node.scored, pod.scored);
  if (pod.antiAffinity.length > 0) node.withAntiAffinity.add(pod);
  if (pod.affinity.length + pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0)
    node.withAffinity.add(pod);
  for (const port of pod.hostPorts) node.hostPorts.set(port, pod);
}

export function removePod(node: NodeInfo, uid: string): PodInfo | undefined {
  const pod = node.pods.get(uid);
  if (!pod) return undefined;
  node.pods.delete(uid);
  addAmounts(node.requested, pod.requests, -1);
  addAmounts(node.scored, pod.scored, -1);
  node.withAntiAffinity.delete(pod);
  node.withAffinity.delete(pod);
  for (const port of pod.hostPorts) node.hostPorts.delete(port);
  return pod;
}

/** Whether a host port is taken: the same port and protocol on the same address, or on all addresses. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');
}
