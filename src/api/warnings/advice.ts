import { sameValue } from '../equal.ts';
import type { ResourceQuota } from '../gen/core-v1.ts';
import type { EndpointSlice } from '../gen/discovery-v1.ts';
import type { Ingress } from '../gen/networking-v1.ts';
import type { ResourceSlice } from '../gen/resource-v1.ts';
import type { CSIDriver } from '../gen/storage-v1.ts';
import type { KubernetesObject } from '../object.ts';
import { compareQuantities } from '../quantity.ts';
import { addressWarnings } from './addresses.ts';

type Old = KubernetesObject | undefined;

const ownSlices = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

export function endpointSlice({ metadata, addressType, endpoints }: EndpointSlice, old: Old): string[] {
  const named = !old && addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
  if (ownSlices.includes(metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return named;
  const addresses = (endpoints ?? []).flatMap((endpoint, i) =>
    (endpoint.addresses ?? []).flatMap((ip, j) => addressWarnings(`endpoints[${i}].addresses[${j}]`, ip)),
  );
  return [...named, ...addresses];
}

export function ingress({ metadata, spec }: Ingress, old: Old): string[] {
  const key = 'kubernetes.io/ingress.class';
  if (old || metadata.annotations?.[key] === undefined || spec?.ingressClassName !== undefined) return [];
  return [`annotation "${key}" is deprecated, please use 'spec.ingressClassName' instead`];
}

/** Where tokens are asked for, drivers should take them as secrets. */
export function storageDriver({ spec }: CSIDriver, old: Old): string[] {
  const tokens = spec.tokenRequests ?? [];
  const before = (old as CSIDriver | undefined)?.spec.tokenRequests ?? [];
  if (tokens.length === 0 || spec.serviceAccountTokenInSecrets !== undefined || (old && sameValue(tokens, before)))
    return [];
  const why = 'if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';
  return [`spec.serviceAccountTokenInSecrets is unset; ${why}`];
}

export function quota({ spec }: ResourceQuota, old: Old): string[] {
  const hard = spec?.hard ?? {};
  if (old) return [];
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((name) => {
    const bare = hard[`requests.${name}`] === undefined && (name === 'cpu' || name === 'memory');
    const request = bare ? name : `requests.${name}`;
    const limit = `limits.${name}`;
    const [asked, most] = [hard[request], hard[limit]];
    if (asked === undefined || most === undefined || compareQuantities(asked, most) <= 0) return [];
    return [`ResourceQuota ${request} (${asked}) should be less than ${limit} (${most})`];
  });
}

export function deviceSlice({ spec: { driver } }: ResourceSlice): string[] {
  return driver === driver.toLowerCase()
    ? []
    : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
}

/** Names of what is configured by files. */
export function admissionObject({ metadata }: KubernetesObject): string[] {
  const why = 'are reserved for static manifest-based configurations and cannot be managed via the API';
  return metadata.name?.endsWith('.static.k8s.io') ? [`metadata.name: names ending with ".static.k8s.io" ${why}`] : [];
}
