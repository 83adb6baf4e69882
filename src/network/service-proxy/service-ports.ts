import type { Service, ServicePort } from '../../api/gen/core-v1.ts';
import { ipFamily } from '../../base/cidr.ts';

/** What the proxy needs of one service in one address family. */
export interface ProxyService {
  namespace: string;
  name: string;
  family: 4 | 6;
  clusterIp: string;
  externalIps: readonly string[];
  loadBalancerIps: readonly string[];
  sourceRanges: readonly string[];
  ports: readonly ServicePort[];
  internalLocal: boolean;
  externalLocal: boolean;
  /** Seconds for which a client stays with its endpoint; undefined without affinity. */
  affinitySeconds: number | undefined;
  healthCheckNodePort: number | undefined;
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const otherProxyLabel = 'service.kubernetes.io/service-proxy-name';
const defaultAffinitySeconds = 10_800;

const ofFamily = (family: 4 | 6, addresses: readonly string[]): string[] =>
  addresses.filter((address) => ipFamily(address.split('/')[0] ?? '') === family);

function sourceRangesOf(service: Service): readonly string[] {
  const { loadBalancerSourceRanges = [] } = service.spec ?? {};
  if (loadBalancerSourceRanges.length > 0) return loadBalancerSourceRanges;
  const annotation = service.metadata.annotations?.[sourceRangesAnnotation]?.trim() ?? '';
  return annotation === '' ? [] : annotation.split(',').map((range) => range.trim());
}

/** One value per family in which the service has a cluster address; none for what a proxy has nothing to do with. */
export function proxyServices(service: Service): ProxyService[] {
  const { spec, status, metadata } = service;
  if (spec === undefined || spec.type === 'ExternalName' || metadata.labels?.[otherProxyLabel] !== undefined) return [];
  const clusterIps = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const ranges = sourceRangesOf(service);
  const vips = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip !== undefined && (ipMode ?? 'VIP') === 'VIP' ? [ip] : [],
  );
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  return clusterIps.flatMap((clusterIp) => {
    const family = ipFamily(clusterIp);
    if (family === undefined) return []; // headless
    const familyRanges = ofFamily(family, ranges);
    return {
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      family,
      clusterIp,
      externalIps: ofFamily(family, spec.externalIPs ?? []),
      loadBalancerIps: spec.type === 'LoadBalancer' ? ofFamily(family, vips) : [],
      // Ranges of the other family alone mean that nobody of this one may come.
      sourceRanges:
        ranges.length > 0 && familyRanges.length === 0 ? [family === 4 ? '0.0.0.0/32' : '::/128'] : familyRanges,
      ports: spec.ports ?? [],
      internalLocal: spec.internalTrafficPolicy === 'Local',
      externalLocal: external && spec.externalTrafficPolicy === 'Local',
      affinitySeconds:
        spec.sessionAffinity === 'ClientIP'
          ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds)
          : undefined,
      healthCheckNodePort:
        spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && spec.healthCheckNodePort
          ? spec.healthCheckNodePort
          : undefined,
    };
  });
}
