import type { Service, ServiceSpec } from '../../../api/gen/core-v1.ts';
import { same } from '../same.ts';

/** What a Service's type means for its fields, after upstream's `registry/core/service/strategy.go`. */
export type Spec = ServiceSpec;

export const specOf = (service: Readonly<Service>): Readonly<Spec> => service.spec ?? {};
export const needsClusterIp = (spec: Readonly<Spec>): boolean => spec.type !== 'ExternalName';
export const isHeadless = (spec: Readonly<Spec>): boolean => (spec.clusterIPs?.[0] ?? spec.clusterIP) === 'None';
export const hasSelector = (spec: Readonly<Spec>): boolean => Object.keys(spec.selector ?? {}).length > 0;
export const hasNodePorts = (spec: Readonly<Spec>): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';
export const wantsNodePorts = (spec: Readonly<Spec>): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && (spec.allocateLoadBalancerNodePorts ?? true));
export const needsHealthPort = (spec: Readonly<Spec>): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
export const nodePortsOf = (spec: Readonly<Spec>): number[] => (spec.ports ?? []).flatMap((p) => p.nodePort || []);
export const sameClusterIps = (a: Readonly<Spec>, b: Readonly<Spec>): boolean =>
  (a.clusterIP ?? '') === (b.clusterIP ?? '') && same(a.clusterIPs ?? [], b.clusterIPs ?? []);
export const sameFamilies = (a: Readonly<Spec>, b: Readonly<Spec>): boolean =>
  same(a.ipFamilies ?? [], b.ipFamilies ?? []);
const externallyAccessible = (spec: Readonly<Spec>): boolean =>
  hasNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);

/** What the client left out and the Service already has, so that a PUT of what was once created changes nothing. */
export function patchAllocated(spec: Spec, old: Readonly<Spec>): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && old.clusterIPs?.length) spec.clusterIPs = [...old.clusterIPs];
  }
  if (wantsNodePorts(old) && wantsNodePorts(spec)) {
    const now = new Set(nodePortsOf(spec));
    const used = new Set(nodePortsOf(old).filter((port) => now.has(port)));
    for (const port of spec.ports ?? []) {
      const before = old.ports?.findLast((p) => (p.name ?? '') === (port.name ?? ''))?.nodePort;
      if (!port.nodePort && before && !used.has(before)) port.nodePort = before;
    }
  }
  if (needsHealthPort(old) && needsHealthPort(spec) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

/** `clusterIP` and `clusterIPs[0]` are one; a client that knows only one of them changes both. */
export function normalizeClusterIps(spec: Spec, old: Readonly<Spec> | undefined): void {
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  if ((spec.clusterIP ?? '') !== (old.clusterIP ?? '')) {
    if (!same(spec.clusterIPs ?? [], old.clusterIPs ?? [])) return;
    if (!spec.clusterIP) delete spec.clusterIPs;
    else spec.clusterIPs = [spec.clusterIP, ...(old.clusterIPs ?? []).slice(1)];
  } else if (!spec.clusterIPs?.length && old.clusterIPs?.length && spec.clusterIP) {
    delete spec.clusterIP;
  }
}

/** Wipes what a change of type makes pointless, where the client did not touch it. */
export function dropTypeDependent(service: Service, old: Readonly<Service>): void {
  const { spec } = service;
  const before = specOf(old);
  if (!spec) return;
  if (needsClusterIp(before) && !needsClusterIp(spec)) {
    if (sameClusterIps(before, spec)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (sameFamilies(before, spec)) delete spec.ipFamilies;
    if (before.ipFamilyPolicy === spec.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(before) && !hasNodePorts(spec)) {
    const known = new Set(nodePortsOf(before));
    if (nodePortsOf(spec).every((port) => known.has(port))) for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (needsHealthPort(before) && !needsHealthPort(spec) && before.healthCheckNodePort === spec.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (before.allocateLoadBalancerNodePorts === spec.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (before.loadBalancerClass === spec.loadBalancerClass) delete spec.loadBalancerClass;
  }
  const accessible = externallyAccessible(before) && !externallyAccessible(spec);
  if (accessible && before.externalTrafficPolicy === spec.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (spec.type !== 'LoadBalancer') service.status = { ...service.status, loadBalancer: {} };
}
