import type { Container, EphemeralContainer, PodSpec, SecurityContext, Volume } from '../gen/core-v1.ts';
import { isDns1123Label, isPortName, isPortNumber } from '../names.ts';
import { validateEnvironment } from './environment.ts';
import { validateDescendingPath } from './paths.ts';
import { validateLifecycle, validateProbes } from './probes.ts';
import type { Problems } from './problems.ts';
import { validateRequirements } from './resources.ts';
import { validateId, validateProfiles } from './security.ts';

/** What the rest of the pod says that its containers have to fit. */
export interface PodContext {
  volumes: ReadonlyMap<string, Volume>;
  claims: ReadonlySet<string>;
  spec: PodSpec;
}

const protocols = ['SCTP', 'TCP', 'UDP'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const messagePolicies = ['File', 'FallbackToLogsOnError'];
const restartPolicies = ['Always', 'Never', 'OnFailure'];
const propagations = ['Bidirectional', 'HostToContainer', 'None'];
const resizeResources = ['cpu', 'memory'];
const resizePolicies = ['NotRequired', 'RestartContainer'];

export function validateContainers(p: Problems, path: string, pod: PodContext): void {
  const { containers, terminationGracePeriodSeconds: grace, os } = pod.spec;
  if (!containers?.length) {
    p.required(path);
    return;
  }
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    validateCommon(p, at, container, pod);
    if (names.has(container.name)) p.duplicate(`${at}.name`, container.name);
    names.add(container.name);
    if (container.lifecycle) validateLifecycle(p, `${at}.lifecycle`, container.lifecycle, grace, os?.name);
    validateProbes(p, at, container, grace);
    validateRestartRules(p, at, container);
  }
  validateHostPorts(p, path, containers);
}

export function validateInitContainers(p: Problems, path: string, pod: PodContext): void {
  const { containers, initContainers, terminationGracePeriodSeconds: grace, os } = pod.spec;
  const names = new Set((containers ?? []).map((c) => c.name));
  for (const [i, container] of (initContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    validateCommon(p, at, container, pod);
    if (container.restartPolicy !== undefined) validateRestartRules(p, at, container);
    else if (container.restartPolicyRules?.length) p.required(`${at}.restartPolicy`, unruled);
    if (names.has(container.name)) p.duplicate(`${at}.name`, container.name);
    else if (container.name) names.add(container.name);
    validateHostPorts(p, path, [container]);
    if (container.restartPolicy === 'Always') {
      if (container.lifecycle) validateLifecycle(p, `${at}.lifecycle`, container.lifecycle, grace, os?.name);
      validateProbes(p, at, container, grace);
    } else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[field]) {
          p.forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always');
        }
      }
      for (const [j, resize] of (container.resizePolicy ?? []).entries()) {
        if (resize.restartPolicy !== 'RestartContainer') continue;
        const why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
        p.invalid(`${at}.resizePolicy[${j}].restartPolicy`, resize.restartPolicy, why);
      }
    }
  }
}

const ephemeralForbidden = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'resources',
  'restartPolicy',
  'restartPolicyRules',
] as const;

export function validateEphemeralContainers(p: Problems, path: string, pod: PodContext): void {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec;
  const others = new Set([...(containers ?? []), ...initContainers].map((c) => c.name));
  const names = new Set(others);
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = `${path}[${i}]`;
    validateCommon(p, at, container as Container, pod);
    validateImageText(p, at, container);
    if (names.has(container.name)) p.duplicate(`${at}.name`, container.name);
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) p.notFound(`${at}.targetContainerName`, target);
    for (const field of ephemeralForbidden) {
      const value = container[field];
      if (value !== undefined && Object.keys(value).length > 0) {
        p.forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container');
      }
    }
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field]) p.forbidden(`${at}.volumeMounts[${j}].${field}`, 'cannot be set for an Ephemeral Container');
      }
    }
  }
}

export function validateImageText(p: Problems, path: string, container: Container | EphemeralContainer): void {
  if (container.image && container.image.trim() !== container.image) {
    p.invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace');
  }
}

function validateCommon(p: Problems, path: string, container: Container, pod: PodContext): void {
  if (!container.name) p.required(`${path}.name`);
  else p.all(`${path}.name`, container.name, isDns1123Label(container.name));
  if (!container.image) p.required(`${path}.image`);
  p.oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies);
  validatePorts(p, `${path}.ports`, container);
  validateEnvironment(p, path, container);
  validateMounts(p, `${path}.volumeMounts`, container, pod.volumes);
  validateDevices(p, `${path}.volumeDevices`, container, pod.volumes);
  p.oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies);
  validateRequirements(p, `${path}.resources`, container.resources, pod.claims);
  validateResize(p, `${path}.resizePolicy`, container, pod.spec.restartPolicy);
  if (container.securityContext) {
    validateSecurityContext(p, `${path}.securityContext`, container.securityContext, pod.spec.hostUsers ?? true);
  }
}

function validatePorts(p: Problems, path: string, container: Container): void {
  const names = new Set<string>();
  for (const [i, port] of (container.ports ?? []).entries()) {
    const at = `${path}[${i}]`;
    if (port.name) {
      const wrong = isPortName(port.name);
      p.all(`${at}.name`, port.name, wrong);
      if (wrong.length === 0 && names.has(port.name)) p.duplicate(`${at}.name`, port.name);
      else if (wrong.length === 0) names.add(port.name);
    }
    if (!port.containerPort) p.required(`${at}.containerPort`);
    else p.all(`${at}.containerPort`, port.containerPort, isPortNumber(port.containerPort));
    if (port.hostPort) p.all(`${at}.hostPort`, port.hostPort, isPortNumber(port.hostPort));
    p.oneOf(`${at}.protocol`, port.protocol, protocols);
  }
}

function validateHostPorts(p: Problems, path: string, containers: readonly Container[]): void {
  const taken = new Set<string>();
  for (const [i, container] of containers.entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (taken.has(key)) p.duplicate(`${path}[${i}].ports[${j}].hostPort`, key);
      taken.add(key);
    }
  }
}

function validateMounts(p: Problems, path: string, container: Container, volumes: ReadonlyMap<string, Volume>): void {
  const points = new Set<string>();
  const devices = container.volumeDevices ?? [];
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${i}]`;
    if (!mount.name) p.required(`${at}.name`);
    if (!volumes.has(mount.name)) p.notFound(`${at}.name`, mount.name ?? '');
    if (!mount.mountPath) p.required(`${at}.mountPath`);
    if (points.has(mount.mountPath)) p.invalid(`${at}.mountPath`, mount.mountPath, 'must be unique');
    points.add(mount.mountPath);
    if (devices.some((d) => d.name === mount.name)) {
      p.invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices');
    }
    if (devices.some((d) => d.devicePath === mount.mountPath)) {
      p.invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices');
    }
    if (mount.subPath) validateDescendingPath(p, `${path}.subPath`, mount.subPath);
    if (mount.subPathExpr) {
      if (mount.subPath) {
        p.invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive');
      }
      validateDescendingPath(p, `${path}.subPathExpr`, mount.subPathExpr);
    }
    validatePropagation(p, path, mount, container.securityContext?.privileged === true);
  }
}

type Mount = NonNullable<Container['volumeMounts']>[number];

function validatePropagation(p: Problems, path: string, mount: Mount, privileged: boolean): void {
  const { mountPropagation: mode, recursiveReadOnly: recursive } = mount;
  if (mode !== undefined) {
    if (!propagations.includes(mode)) p.unsupported(`${path}.mountPropagation`, mode, propagations);
    if (mode === 'Bidirectional' && !privileged) {
      const why = 'Bidirectional mount propagation is available only to privileged containers';
      p.forbidden(`${path}.mountPropagation`, why);
    }
  }
  if (recursive === undefined || recursive === 'Disabled') return;
  const field = `${path}.recursiveReadOnly`;
  const known = ['Disabled', 'Enabled', 'IfPossible'];
  if (!known.includes(recursive)) {
    p.unsupported(field, recursive, known);
    return;
  }
  if (!mount.readOnly) p.forbidden(field, 'may only be specified when readOnly is true');
  if (mode !== undefined && mode !== 'None') {
    p.forbidden(field, 'may only be specified when mountPropagation is None or not specified');
  }
}

function validateDevices(p: Problems, path: string, container: Container, volumes: ReadonlyMap<string, Volume>): void {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounts = container.volumeMounts ?? [];
  for (const [i, { name, devicePath }] of (container.volumeDevices ?? []).entries()) {
    const at = `${path}[${i}]`;
    const volume = volumes.get(name);
    if (!name) p.required(`${at}.name`);
    if (names.has(name)) p.invalid(`${at}.name`, name, 'must be unique');
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      p.invalid(`${at}.name`, name, why);
    }
    if (!volume) p.notFound(`${at}.name`, name ?? '');
    if (!devicePath) p.required(`${at}.devicePath`);
    if (paths.has(devicePath)) p.invalid(`${at}.devicePath`, devicePath, 'must be unique');
    if (devicePath?.split('/').includes('..')) {
      p.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')");
    } else paths.add(devicePath);
    if (mounts.some((m) => m.name === name)) p.invalid(`${at}.name`, name, 'must not already exist in volumeMounts');
    if (mounts.some((m) => m.mountPath === devicePath)) {
      p.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts');
    }
    if (name) names.add(name);
  }
}

function validateResize(p: Problems, path: string, container: Container, podPolicy: string | undefined): void {
  const seen = new Set<string>();
  for (const [i, { resourceName, restartPolicy }] of (container.resizePolicy ?? []).entries()) {
    if (seen.has(resourceName)) p.duplicate(`${path}[${i}]`, resourceName);
    seen.add(resourceName);
    p.oneOf(path, resourceName, resizeResources);
    p.oneOf(path, restartPolicy, resizePolicies);
    if (podPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      p.invalid(path, restartPolicy ?? '', "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  }
}

const unruled = 'must specify restartPolicy when restart rules are used';

function validateRestartRules(p: Problems, path: string, container: Container): void {
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container;
  if (policy === undefined) {
    if (rules.length > 0) p.required(`${path}.restartPolicy`, unruled);
  } else if (!restartPolicies.includes(policy)) p.unsupported(`${path}.restartPolicy`, policy, restartPolicies);
  if (rules.length > 20) p.tooMany(`${path}.restartPolicyRules`, rules.length, 20);
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.restartPolicyRules[${i}]`;
    const actions = ['Restart', 'RestartAllContainers'];
    if (!actions.includes(rule.action)) p.unsupported(`${at}.action`, rule.action ?? '', actions);
    if (!rule.exitCodes) {
      p.required(`${at}.exitCodes`, 'must be specified');
      continue;
    }
    const operators = ['In', 'NotIn'];
    const { operator, values = [] } = rule.exitCodes;
    if (!operators.includes(operator)) p.unsupported(`${at}.exitCodes.operator`, operator ?? '', operators);
    if (values.length > 255) p.tooMany(`${at}.exitCodes.values`, values.length, 255);
  }
}

function validateSecurityContext(p: Problems, path: string, context: SecurityContext, hostUsers: boolean): void {
  validateId(p, `${path}.runAsUser`, context.runAsUser);
  validateId(p, `${path}.runAsGroup`, context.runAsGroup);
  if (context.procMount !== undefined) {
    const known = ['Default', 'Unmasked'];
    if (!known.includes(context.procMount)) p.unsupported(`${path}.procMount`, context.procMount, known);
    if (hostUsers && context.procMount === 'Unmasked') {
      p.invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  validateProfiles(p, path, context, () => {
    if (context.allowPrivilegeEscalation !== false) return;
    const why = 'cannot set `allowPrivilegeEscalation` to false and';
    if (context.privileged) p.invalid(path, context, `${why} \`privileged\` to true`);
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      p.invalid(path, context, `${why} \`capabilities.Add\` CAP_SYS_ADMIN`);
    }
  });
}
