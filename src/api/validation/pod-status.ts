import { ipFamily } from '../../base/cidr.ts';
import { sameValue } from '../equal.ts';
import type {
  Container,
  ContainerStatus,
  Pod,
  PodExtendedResourceClaimStatus,
  PodSpec,
  ResourceStatus,
} from '../gen/core-v1.ts';
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../names.ts';
import { validateIp } from './addresses.ts';
import { validateAnnotationUpdates } from './pod-annotations.ts';
import type { Problems } from './problems.ts';
import { validateId } from './security.ts';

/** What a kubelet may say of a pod. Upstream: `ValidatePodStatusUpdate`. */

const systemConditions = ['PodScheduled', 'Ready', 'Initialized'];

function validateConditions(p: Problems, { status }: Pod): void {
  for (const [i, { type = '', observedGeneration = 0 }] of (status?.conditions ?? []).entries()) {
    const at = `status.conditions[${i}]`;
    if (observedGeneration < 0) {
      p.invalid(`${at}.observedGeneration`, observedGeneration, 'must be a non-negative integer');
    }
    if (!systemConditions.includes(type)) p.all(`${at}.Type`, type, isQualifiedName(type));
  }
}

function validateNomination(p: Problems, pod: Pod, old: Pod): void {
  const name = pod.status?.nominatedNodeName ?? '';
  if (name === '' || name === (old.status?.nominatedNodeName ?? '')) return;
  const at = 'status.nominatedNodeName';
  p.all(at, name, isDns1123Subdomain(name));
  if (old.spec?.nodeName) p.forbidden(at, 'may not be set on pods that are already bound to a node');
}

/** Whether a container that ended with a code is started again. */
function mayRestart(container: Container, spec: PodSpec, code: number): boolean {
  const { restartPolicy, restartPolicyRules = [] } = container;
  if (restartPolicy !== undefined) {
    const rule = restartPolicyRules.find(({ exitCodes }) => {
      const named = exitCodes?.values?.includes(code) ?? false;
      return exitCodes?.operator === 'In' ? named : exitCodes?.operator === 'NotIn' && !named;
    });
    if (rule?.action === 'Restart' || rule?.action === 'RestartAllContainers') return true;
  }
  const policy = restartPolicy ?? spec.restartPolicy;
  return policy === 'OnFailure' ? code !== 0 : policy !== 'Never';
}

const statusLists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;
type StatusList = (typeof statusLists)[number];

const specLists = {
  containerStatuses: 'containers',
  initContainerStatuses: 'initContainers',
  ephemeralContainerStatuses: undefined,
} as const;

/** What has ended stays so, unless it is to be started again. */
function validateTransitions(p: Problems, list: StatusList, pod: Pod, old: Pod): void {
  const spec = old.spec ?? { containers: [] };
  const containers = specLists[list] ? (spec[specLists[list]] ?? []) : [];
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const anyway = all.some((c) => c.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'));
  if (specLists[list] && anyway) return;
  for (const [i, { name, state }] of (old.status?.[list] ?? []).entries()) {
    const ended = state?.terminated;
    const now = pod.status?.[list]?.find((other) => other.name === name && !other.state?.terminated);
    if (!ended || !now) continue;
    const container = containers.find((one) => one.name === name);
    if (container && mayRestart(container, spec, ended.exitCode ?? 0)) continue;
    p.forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state');
  }
}

function validateClaims(p: Problems, { status, spec }: Pod): void {
  const seen = new Set<string>();
  for (const [i, claim] of (status?.resourceClaimStatuses ?? []).entries()) {
    const at = `status.resourceClaimStatuses[${i}]`;
    if (!spec?.resourceClaims?.some(({ name }) => name === claim.name)) {
      p.invalid(`${at}.name`, claim.name, 'must match the name of an entry in `spec.resourceClaims`');
    }
    if (seen.has(claim.name)) p.duplicate(`${at}.name`, claim.name);
    seen.add(claim.name);
    const { resourceClaimName: own } = claim;
    if (own !== undefined) p.all(`${at}.resourceClaimName`, own, isDns1123Subdomain(own));
  }
}

function validateExtended(p: Problems, status: PodExtendedResourceClaimStatus, spec: PodSpec): void {
  const at = 'status.extendedResourceClaimStatus';
  const { resourceClaimName: name = '' } = status;
  const requestMappings = status.requestMappings ?? [];
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  if (requestMappings.length === 0) p.required(`${at}.requestMappings`, 'at least one request mapping is required');
  const seen = new Set<string>();
  for (const [i, { containerName = '', resourceName = '', requestName = '' }] of requestMappings.entries()) {
    const one = `${at}.requestMappings[${i}]`;
    const container = containers.find((c) => c.name === containerName);
    if (!container) {
      const why = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      p.invalid(`${one}.containerName`, containerName, why);
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const places = 'spec.initContainers.resources.requests or spec.containers.resources.requests';
      const why = `must match the extended resource name of an entry in ${places}`;
      p.invalid(`${one}.resourceName`, resourceName, why);
    }
    p.all(`${at}.requestName`, requestName, isDns1123Label(requestName));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key)) {
      p.duplicate(`${one}.containerName`, containerName);
      p.duplicate(`${one}.resourceName`, resourceName);
      p.duplicate(`${one}.requestName`, requestName);
    }
    seen.add(key);
  }
  if (name === '') p.required(`${at}.resourceClaimName`);
  else p.all(`${at}.resourceClaimName`, name, isDns1123Subdomain(name));
}

/** At most one address of each family; those that were there may stay as they are. */
function validateIps(p: Problems, list: 'podIPs' | 'hostIPs', pod: Pod, old: Pod): void {
  const ips = (pod.status?.[list] ?? []).map(({ ip = '' }) => ip);
  const before = (old.status?.[list] ?? []).map(({ ip = '' }) => ip);
  const at = `status.${list}`;
  const first = ips[0];
  if (list === 'hostIPs' && first !== undefined && first !== (pod.status?.hostIP ?? '')) {
    p.invalid(`${at}[0].ip`, first, 'must be equal to `hostIP`');
  }
  for (const [i, ip] of ips.entries()) validateIp(p, `${at}[${i}]`, ip, before);
  if (ips.length < 2) return;
  const broken = ips.findIndex((ip) => ipFamily(ip) === undefined);
  if (broken >= 0) p.internal(at, `failed to check for dual stack with error:invalid IP[${broken}]: ${ips[broken]}`);
  if (broken >= 0 || ips.length > 2 || new Set(ips.map(ipFamily)).size < 2) {
    const shown = ips.map((IP) => ({ IP }));
    p.invalid(at, shown, 'may specify no more than one IP for each IP family');
  }
}

function validateUser(p: Problems, path: string, { user }: ContainerStatus, isWindows: boolean): void {
  const linux = user?.linux;
  if (!linux) return;
  if (isWindows) {
    p.forbidden(`${path}.user.linux`, 'cannot be set for a windows pod');
    return;
  }
  validateId(p, `${path}.user.linux.uid`, linux.uid);
  validateId(p, `${path}.user.linux.gid`, linux.gid);
  for (const [i, group] of (linux.supplementalGroups ?? []).entries()) {
    validateId(p, `${path}.user.linux.supplementalGroups[${i}]`, group);
  }
}

const health = ['Healthy', 'Unhealthy', 'Unknown'];

function validateAllocated(p: Problems, at: string, { name, resources = [] }: ResourceStatus, of?: Container): void {
  if (of) {
    const claims = (of.resources?.claims ?? []).map((c) => `claim:${c.name}${c.request ? `/${c.request}` : ''}`);
    const isClaim = name.startsWith('claim:');
    const known = isClaim ? claims.includes(name) : of.resources?.requests?.[name] !== undefined;
    const format = "'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
    const why = isClaim ? `container's resource claims in a format ${format}` : "container's resource requests";
    if (!known) p.invalid(`${at}.name`, name, `must match one of the ${why}`);
  }
  const seen = new Set<string>();
  for (const [i, { health: state = '', resourceID = '' }] of resources.entries()) {
    if (!health.includes(state)) p.unsupported(`${at}.resources[${i}].health`, state, health);
    if (seen.has(resourceID)) p.duplicate(`${at}.resources[${i}].resourceID`, resourceID);
    seen.add(resourceID);
  }
}

function validateAllocations(p: Problems, list: StatusList, { status, spec }: Pod): void {
  for (const [i, container] of (status?.[list] ?? []).entries()) {
    const at = `status.${list}[${i}].allocatedResourcesStatus`;
    const allocated = container.allocatedResourcesStatus ?? [];
    const where = specLists[list];
    if (!where) {
      if (allocated.length > 0) p.forbidden(at, 'must not be specified in container status');
      continue;
    }
    const of = spec?.[where]?.find(({ name }) => name === container.name);
    for (const [j, one] of allocated.entries()) validateAllocated(p, `${at}[${j}]`, one, of);
  }
}

export function validatePodStatus(p: Problems, pod: Pod, old: Pod): void {
  const status = pod.status ?? {};
  validateAnnotationUpdates(p, pod, old);
  validateConditions(p, pod);
  validateNomination(p, pod, old);
  const generation = status.observedGeneration ?? 0;
  if (generation < 0) p.invalid('status.observedGeneration', generation, 'must be a non-negative integer');
  p.immutable('status.qosClass', status.qosClass, sameValue(status.qosClass, old.status?.qosClass));
  for (const list of statusLists) validateTransitions(p, list, pod, old);
  validateClaims(p, pod);
  const spec = pod.spec ?? { containers: [] };
  if (status.extendedResourceClaimStatus) validateExtended(p, status.extendedResourceClaimStatus, spec);
  validateIps(p, 'podIPs', pod, old);
  validateIps(p, 'hostIPs', pod, old);
  const isWindows = spec.os?.name === 'windows';
  for (const list of statusLists) {
    for (const [i, one] of (status[list] ?? []).entries()) validateUser(p, `status.${list}[${i}]`, one, isWindows);
  }
  for (const list of statusLists) validateAllocations(p, list, pod);
}
