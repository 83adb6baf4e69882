import type { PersistentVolumeClaim, Pod, Service } from '../gen/core-v1.ts';
import type { ResourceClaim } from '../gen/resource-v1.ts';
import { type Amounts, addAmounts, amountsOf, maxAmounts, podResources } from '../pod-resources.ts';
import { compareQuantities, parseQuantity, type Quantity, quantityValue, subtractQuantities } from '../quantity.ts';
import { type Devices, noDevices } from './devices.ts';
import {
  deviceClassPrefix,
  deviceClassSuffix,
  isExtended,
  isHugePages,
  objectCountName,
  plainCounts,
  storageClassSuffix,
} from './names.ts';

/** How much an object uses of what quotas limit. Upstream: `pkg/quota/v1/evaluator/core`. */

const none = parseQuantity('0');
const one = parseQuantity('1');
const count = (n: number): Quantity => parseQuantity(String(n));

/** A pod that has ended holds nothing but its own object. */
export function podEnded(pod: Pod, now: number): boolean {
  const phase = pod.status?.phase;
  if (phase === 'Failed' || phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + Number(deletionGracePeriodSeconds) * 1000;
}

const computed = ['cpu', 'memory', 'ephemeral-storage'];

function podUsage(pod: Pod, now: number): Amounts {
  const usage: Amounts = { 'count/pods': one };
  if (podEnded(pod, now) || !pod.spec) return usage;
  usage.pods = one;
  const options = { overhead: true, status: pod.status };
  for (const [name, amount] of Object.entries(podResources(pod.spec, 'requests', options))) {
    if (computed.includes(name) || isHugePages(name)) usage[name] = amount;
    if (usage[name] || isExtended(name)) usage[`requests.${name}`] = amount;
  }
  const limits = podResources(pod.spec, 'limits', options);
  for (const name of computed) if (limits[name]) usage[`limits.${name}`] = limits[name];
  return usage;
}

/** Whole bytes, in the format in which they were given. */
const whole = (amount: Quantity): Quantity =>
  amount.nanos % 1_000_000_000n === 0n
    ? amount
    : { ...parseQuantity(String(quantityValue(amount))), format: amount.format };

function claimUsage(claim: PersistentVolumeClaim): Amounts {
  const usage: Amounts = { 'count/persistentvolumeclaims': one, persistentvolumeclaims: one };
  const asked = amountsOf(claim.spec?.resources?.requests).storage;
  const allocated = amountsOf(claim.status?.allocatedResources).storage;
  const storage = asked && allocated && compareQuantities(allocated, asked) > 0 ? allocated : asked;
  const storageClass =
    claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName;
  if (storage) usage['requests.storage'] = whole(storage);
  if (storageClass) {
    usage[`${storageClass}${storageClassSuffix}persistentvolumeclaims`] = one;
    if (storage) usage[`${storageClass}${storageClassSuffix}requests.storage`] = whole(storage);
  }
  return usage;
}

function serviceUsage({ spec }: Service): Amounts {
  const ports = spec?.ports ?? [];
  const usage: Amounts = {
    'count/services': one,
    services: one,
    'services.nodeports': count(0),
    'services.loadbalancers': count(0),
  };
  if (spec?.type === 'NodePort') usage['services.nodeports'] = count(ports.length);
  if (spec?.type === 'LoadBalancer') {
    usage['services.loadbalancers'] = one;
    const asked = spec.allocateLoadBalancerNodePorts === false ? ports.filter((port) => port.nodePort) : ports;
    usage['services.nodeports'] = count(asked.length);
  }
  return usage;
}

/** As many devices as one claim can get. */
const mostDevices = 32;

const devicesOf = ({ allocationMode, count: n }: { allocationMode?: string | undefined; count?: number | undefined }) =>
  count(allocationMode === 'All' ? mostDevices : allocationMode === 'ExactCount' ? (n ?? 1) : 0);

function deviceClaimUsage(claim: ResourceClaim, devices: Devices, now: number): Amounts {
  const usage: Amounts = { 'count/resourceclaims.resource.k8s.io': one };
  for (const { exactly, firstAvailable } of claim.spec.devices?.requests ?? []) {
    const most: Amounts = {};
    for (const request of firstAvailable ?? (exactly ? [exactly] : []))
      maxAmounts(most, { [`${request.deviceClassName}${deviceClassSuffix}`]: devicesOf(request) });
    addAmounts(usage, most);
  }
  const asked: Amounts = {};
  for (const [name, amount] of Object.entries(usage)) {
    const className = name.endsWith(deviceClassSuffix) ? name.slice(0, -deviceClassSuffix.length) : '';
    if (className === '') continue;
    asked[`requests.${deviceClassPrefix}${className}`] = amount;
    const extended = devices.classes.get(className);
    if (extended) asked[`requests.${extended}`] = amount;
  }
  // What is counted with the pod for which the claim stands is not counted twice.
  const pod = devices.podOf(claim);
  const counted = pod ? podUsage(pod, now) : {};
  for (const [name, amount] of Object.entries(asked)) {
    const rest = counted[name] ? subtractQuantities(amount, counted[name]) : amount;
    if (compareQuantities(rest, none) > 0) usage[name] = rest;
  }
  return usage;
}

/** What one object uses, by the names that quotas have. */
export function usageOf(
  group: string,
  resource: string,
  object: unknown,
  devices: Devices = noDevices,
  now = Date.now(),
): Amounts {
  if (group === '') {
    if (resource === 'pods') return podUsage(object as Pod, now);
    if (resource === 'persistentvolumeclaims') return claimUsage(object as PersistentVolumeClaim);
    if (resource === 'services') return serviceUsage(object as Service);
    if (plainCounts.has(resource)) return { [objectCountName(group, resource)]: one, [resource]: one };
  }
  if (group === 'resource.k8s.io' && resource === 'resourceclaims')
    return deviceClaimUsage(object as ResourceClaim, devices, now);
  return { [objectCountName(group, resource)]: one };
}
