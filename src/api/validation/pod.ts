import type { Pod, PodSpec, PodTemplateSpec } from '../gen/core-v1.ts';
import type { ObjectMeta } from '../gen/meta-v1.ts';
import {
  inRange,
  isDns1123Label,
  isDns1123Subdomain,
  isDns1123SubdomainWithUnderscore,
  isQualifiedName,
} from '../names.ts';
import { validateIp } from './addresses.ts';
import { containersOf } from './container-paths.ts';
import {
  type PodContext,
  validateContainers,
  validateEphemeralContainers,
  validateImageText,
  validateInitContainers,
} from './containers.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';
import { validateAnnotatedProfiles, validatePodAnnotations } from './pod-annotations.ts';
import { validatePodResources } from './pod-level.ts';
import type { Problems } from './problems.ts';
import { validateRequirements } from './resources.ts';
import { validateAffinity, validateSpread, validateTolerations } from './scheduling.ts';
import { validatePodSecurity } from './security.ts';
import { validateVolumes } from './volumes.ts';
import { validateForSystem, validateHostProcess } from './windows.ts';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** `meta` is the pod's; undefined in a template. */
export function validatePodSpec(p: Problems, path: string, spec: PodSpec, meta?: ObjectMeta): void {
  if (spec.terminationGracePeriodSeconds === undefined) p.required(`${path}.terminationGracePeriodSeconds`);
  const volumes = validateVolumes(p, `${path}.volumes`, spec.volumes ?? [], meta);
  const claims = validateClaims(p, `${path}.resourceClaims`, spec);
  const pod: PodContext = { volumes, claims, spec };
  validateContainers(p, `${path}.containers`, pod);
  validateInitContainers(p, `${path}.initContainers`, pod);
  validateEphemeralContainers(p, `${path}.ephemeralContainers`, pod);
  validatePodResources(p, `${path}.resources`, spec, claims);
  validateHostNetworkPorts(p, path, spec, meta !== undefined);
  p.oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies);
  p.oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies);
  validateLabels(p, spec.nodeSelector, `${path}.nodeSelector`);
  if (spec.securityContext) validatePodSecurity(p, `${path}.securityContext`, spec, spec.securityContext);
  if (spec.affinity) validateAffinity(p, `${path}.affinity`, spec.affinity);
  validateDnsConfig(p, `${path}.dnsConfig`, spec);
  validateGates(p, path, spec);
  validateSpread(p, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []);
  validateHostProcess(p, path, spec);
  validateHostUsers(p, path, spec);
  validateHostname(p, path, spec);
  validateReferences(p, path, spec);
  validateFileVariables(p, path, spec);
}

function validateClaims(p: Problems, path: string, { resourceClaims = [] }: PodSpec): Set<string> {
  const names = new Set<string>();
  for (const [i, claim] of resourceClaims.entries()) {
    const at = `${path}[${i}]`;
    if (!claim.name) p.required(`${at}.name`);
    else if (names.has(claim.name)) p.duplicate(`${at}.name`, claim.name);
    else {
      p.all(`${at}.name`, claim.name, isDns1123Label(claim.name));
      names.add(claim.name);
    }
    const { resourceClaimName: own, resourceClaimTemplateName: template } = claim;
    const shown = { Name: claim.name, ResourceClaimName: own ?? null, ResourceClaimTemplateName: template ?? null };
    if (own !== undefined && template !== undefined) {
      p.invalid(at, shown, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified');
    }
    if (own === undefined && template === undefined) {
      p.invalid(at, shown, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    }
    if (own !== undefined) p.all(`${at}.resourceClaimName`, own, isDns1123Subdomain(own));
    if (template !== undefined) p.all(`${at}.resourceClaimTemplateName`, template, isDns1123Subdomain(template));
  }
  return names;
}

function validateHostNetworkPorts(p: Problems, path: string, spec: PodSpec, isPod: boolean): void {
  if (!spec.hostNetwork) return;
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) continue;
      const why = 'must match `containerPort` when `hostNetwork` is true';
      p.invalid(`${path}.containers[${i}].ports[${j}].hostPort`, hostPort, why);
    }
  }
}

function validateDnsConfig(p: Problems, path: string, { dnsConfig, dnsPolicy }: PodSpec): void {
  if (dnsPolicy === 'None') {
    if (!dnsConfig) {
      p.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (!dnsConfig.nameservers?.length) {
      p.required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
      return;
    }
  }
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (nameservers.length > 3) p.invalid(`${path}.nameservers`, nameservers, 'must not have more than 3 nameservers');
  for (const [i, address] of nameservers.entries()) validateIp(p, `${path}.nameservers[${i}]`, address);
  if (searches.length > 32) p.invalid(`${path}.searches`, searches, 'must not have more than 32 search paths');
  if (searches.join(' ').length > 2048) {
    const why = 'must not have more than 2048 characters (including spaces) in the search list';
    p.invalid(`${path}.searches`, searches, why);
  }
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.replace(/\.$/, '');
    p.all(`${path}.searches[${i}]`, name, isDns1123SubdomainWithUnderscore(name));
  }
  for (const [i, option] of options.entries())
    if (!option.name) p.required(`${path}.options[${i}]`, 'must not be empty');
}

function validateGates(p: Problems, path: string, spec: PodSpec): void {
  for (const [i, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    p.all(`${path}.readinessGates[${i}].conditionType`, conditionType ?? '', isQualifiedName(conditionType ?? ''));
  }
  const seen = new Set<string>();
  for (const [i, { name = '' }] of (spec.schedulingGates ?? []).entries()) {
    p.all(`${path}.schedulingGates[${i}]`, name, isQualifiedName(name));
    if (seen.has(name)) p.duplicate(`${path}.schedulingGates[${i}]`, name);
    seen.add(name);
  }
}

/** Variables that are read from files need an emptyDir to hold these. */
function validateFileVariables(p: Problems, path: string, spec: PodSpec): void {
  for (const { container, path: of } of containersOf(spec, path)) {
    for (const [j, { valueFrom }] of (container.env ?? []).entries()) {
      if (!valueFrom?.fileKeyRef) continue;
      const name = valueFrom.fileKeyRef.volumeName ?? '';
      const at = `${of}.env[${j}].valueFrom.fileKeyRef.volumeName`;
      const volume = spec.volumes?.findLast((v) => v.name === name);
      if (!volume) p.notFound(at, name);
      else if (!volume.emptyDir) p.invalid(at, name, 'referenced volume must be of type emptyDir');
    }
  }
}

function validateHostUsers(p: Problems, path: string, spec: PodSpec): void {
  if (spec.hostUsers !== false) return;
  if (spec.hostNetwork) p.forbidden(`${path}.hostNetwork`, 'when `hostUsers` is false');
  if (spec.hostPID) p.forbidden(`${path}.HostPID`, 'when `hostUsers` is false');
  if (spec.hostIPC) p.forbidden(`${path}.HostIPC`, 'when `hostUsers` is false');
  for (const { container, path: at } of containersOf(spec, path)) {
    if (container.volumeDevices?.length) p.forbidden(`${at}.volumeDevices`, 'when `hostUsers` is false');
  }
}

function validateHostname(p: Problems, path: string, spec: PodSpec): void {
  const name = spec.hostnameOverride;
  if (name === undefined) return;
  const field = `${path}.hostnameOverride`;
  if (spec.setHostnameAsFQDN) p.forbidden(field, 'may not be specified when setHostnameAsFQDN is true');
  if (spec.hostNetwork) p.forbidden(field, 'may not be specified when hostNetwork is true');
  if (name.length > 64) p.tooLong(field, 64);
  p.all(field, name, isDns1123Subdomain(name));
}

function validateReferences(p: Problems, path: string, spec: PodSpec): void {
  for (const field of ['serviceAccountName', 'nodeName'] as const) {
    const name = spec[field];
    if (name) p.all(`${path}.${field}`, name, isDns1123Subdomain(name));
  }
  const deadline = spec.activeDeadlineSeconds;
  const max = 2 ** 31 - 1;
  if (deadline !== undefined && (deadline < 1 || deadline > max)) {
    p.invalid(`${path}.activeDeadlineSeconds`, deadline, inRange(1, max));
  }
  for (const field of ['hostname', 'subdomain'] as const) {
    const name = spec[field];
    if (name) p.all(`${path}.${field}`, name, isDns1123Label(name));
  }
  validateTolerations(p, `${path}.tolerations`, spec.tolerations ?? []);
  for (const [i, alias] of (spec.hostAliases ?? []).entries()) {
    validateIp(p, `${path}.hostAliases[${i}].ip`, alias.ip ?? '');
    for (const [j, name] of (alias.hostnames ?? []).entries()) {
      p.all(`${path}.hostAliases[${i}].hostnames[${j}]`, name, isDns1123Subdomain(name));
    }
  }
  const priority = spec.priorityClassName;
  if (priority) p.all(`${path}.priorityClassName`, priority, isDns1123Subdomain(priority));
  const runtime = spec.runtimeClassName;
  if (runtime !== undefined) p.all(`${path}.runtimeClassName`, runtime, isDns1123Subdomain(runtime));
  if (spec.preemptionPolicy !== undefined) {
    p.oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  }
  if (spec.overhead) validateRequirements(p, `${path}.overhead`, { limits: spec.overhead });
  if (spec.os) {
    if (!spec.os.name) p.required(`${path}.os.name`);
    else if (['linux', 'windows'].includes(spec.os.name)) validateForSystem(p, path, spec);
    else p.unsupported(`${path}.os`, spec.os.name, ['linux', 'windows']);
  }
}

export function validatePod(p: Problems, pod: Pod): void {
  const spec = pod.spec ?? { containers: [] };
  validatePodSpec(p, 'spec', spec, pod.metadata);
  if (!spec.serviceAccountName) {
    for (const [i, volume] of (spec.volumes ?? []).entries()) {
      for (const [j, source] of (volume.projected?.sources ?? []).entries()) {
        if (!source.serviceAccountToken) continue;
        const field = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
        p.forbidden(field, 'must not be specified when serviceAccountName is not set');
      }
    }
  }
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [i, container] of (spec[list] ?? []).entries()) validateImageText(p, `spec.${list}[${i}]`, container);
  }
}

export function validatePodCreate(p: Problems, pod: Pod): void {
  validatePod(p, pod);
  validatePodAnnotations(p, pod);
  validateAnnotatedProfiles(p, pod);
  const { spec } = pod;
  if (spec?.ephemeralContainers?.length) p.forbidden('spec.ephemeralContainers', 'cannot be set on create');
  if (spec?.nodeName && spec.schedulingGates?.length) {
    p.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
  }
}

export function validatePodTemplate(p: Problems, path: string, template: PodTemplateSpec): void {
  validateLabels(p, template.metadata?.labels, `${path}.labels`);
  validateAnnotations(p, template.metadata?.annotations, `${path}.annotations`);
  const spec = template.spec ?? { containers: [] };
  validatePodSpec(p, `${path}.spec`, spec);
  if (spec.ephemeralContainers?.length) {
    p.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  }
}
