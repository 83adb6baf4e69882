import type { Container, Pod, Service, ServicePort } from '../../api/gen/core-v1.ts';

/** The number that a service port means in a pod; undefined when the pod has no port of that name. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  if (/^\d+$/.test(target)) return Number(target);
  const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars] as Container[]) {
    for (const candidate of container.ports ?? []) {
      if (candidate.name === target && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) {
        return candidate.containerPort;
      }
    }
  }
  return undefined;
}

export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None';

/** The address families of a service's endpoints. */
export function familiesOf(service: Service): readonly ('IPv4' | 'IPv6')[] {
  const families = service.spec?.ipFamilies as ('IPv4' | 'IPv6')[] | undefined;
  if (families && families.length > 0) return families;
  return [service.spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4'];
}

export const familyOf = (ip: string): 'IPv4' | 'IPv6' => (ip.includes(':') ? 'IPv6' : 'IPv4');

/** The pod's address of that family. */
export function addressOf(pod: Pod, family: 'IPv4' | 'IPv6'): string | undefined {
  const all = pod.status?.podIPs?.map((p) => p.ip) ?? [pod.status?.podIP];
  return all.find((ip) => ip !== undefined && ip !== '' && familyOf(ip) === family);
}
