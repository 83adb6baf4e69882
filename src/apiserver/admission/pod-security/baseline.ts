import type { Container, LifecycleHandler, PodSpec, Probe } from '../../../api/gen/core-v1.ts';
import { safeSysctls } from '../../../api/safe-sysctls.ts';
import {
  type Check,
  contextOf,
  exceptUserNamespaces,
  named,
  namesWhere,
  plural,
  quoted,
  setters,
  since,
  sortedSet,
  type VersionedCheck,
} from './check.ts';

/** Checks of the level `baseline`. Upstream: `pod-security-admission/policy`. */

const capabilities = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const allowedAppArmor = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

const appArmor: Check = ({ annotations, spec, containers }) => {
  const podType = spec.securityContext?.appArmorProfile?.type;
  const podBad = spec.securityContext?.appArmorProfile !== undefined && !allowedAppArmor(podType);
  const bad = containers.filter(
    (c) => contextOf(c).appArmorProfile !== undefined && !allowedAppArmor(contextOf(c).appArmorProfile?.type),
  );
  const types = sortedSet([
    ...(podBad ? [podType ?? ''] : []),
    ...bad.map((c) => contextOf(c).appArmorProfile?.type ?? ''),
  ]);
  const told = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !/^($|runtime\/default$|localhost\/)/.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const values = [...types, ...told];
  if (values.length === 0) return undefined;
  const names = bad.map((c) => c.name);
  const by = [
    ...(podBad || names.length > 0 ? [setters(podBad, names)] : []),
    ...(told.length > 0 ? [plural('annotation', told)] : []),
  ].join(' and ');
  return {
    reason: plural('forbidden AppArmor profile', values),
    detail: `${by} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

const added: Check = ({ containers }) => {
  const badOf = (c: Container) => (contextOf(c).capabilities?.add ?? []).filter((name) => !capabilities.has(name));
  const bad = namesWhere(containers, (c) => badOf(c).length > 0);
  if (bad.length === 0) return undefined;
  const which = quoted(sortedSet(containers.flatMap(badOf)));
  return {
    reason: 'non-default capabilities',
    detail: `${named('container', bad)} must not include ${which} in securityContext.capabilities.add`,
  };
};

const hostNamespaces: Check = ({ spec }) => {
  const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name]);
  return set.length > 0
    ? { reason: 'host namespaces', detail: set.map((name) => `${name}=true`).join(', ') }
    : undefined;
};

const hostPathVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath).map((volume) => volume.name);
  return bad.length > 0 ? { reason: 'hostPath volumes', detail: named('volume', bad) } : undefined;
};

const uses = (names: readonly unknown[]): string => (names.length === 1 ? 'uses' : 'use');

const hostPorts: Check = ({ containers }) => {
  const portsOf = (c: Container) => (c.ports ?? []).flatMap((port) => (port.hostPort ? [String(port.hostPort)] : []));
  const bad = namesWhere(containers, (c) => portsOf(c).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sortedSet(containers.flatMap(portsOf));
  return {
    reason: 'hostPort',
    detail: `${named('container', bad)} ${uses(bad)} ${plural('hostPort', ports)} ${ports.join(', ')}`,
  };
};

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] {
  const handlers: (Probe | LifecycleHandler | undefined)[] = [
    livenessProbe,
    readinessProbe,
    startupProbe,
    lifecycle?.postStart,
    lifecycle?.preStop,
  ];
  return handlers
    .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
    .filter((host) => !!host) as string[];
}

const hostProbes: Check = ({ containers }) => {
  const bad = sortedSet(namesWhere(containers, (c) => hostsOf(c).length > 0));
  if (bad.length === 0) return undefined;
  const hosts = sortedSet(containers.flatMap(hostsOf));
  const what = plural('probe or lifecycle host', hosts);
  return {
    reason: 'probe or lifecycle host',
    detail: `${named('container', bad)} ${uses(bad)} ${what} ${quoted(hosts)}`,
  };
};

const privileged: Check = ({ containers }) => {
  const bad = namesWhere(containers, (c) => contextOf(c).privileged === true);
  return bad.length > 0
    ? { reason: 'privileged', detail: `${named('container', bad)} must not set securityContext.privileged=true` }
    : undefined;
};

export const procMount: Check = ({ containers }) => {
  const bad = containers.filter((c) => !['Default', undefined].includes(contextOf(c).procMount));
  if (bad.length === 0) return undefined;
  const values = sortedSet(bad.map((c) => contextOf(c).procMount ?? ''));
  const names = bad.map((c) => c.name);
  return {
    reason: 'procMount',
    detail: `${named('container', names)} must not set securityContext.procMount to ${quoted(values)}`,
  };
};

type SeLinux = NonNullable<NonNullable<PodSpec['securityContext']>['seLinuxOptions']>;

const seLinux =
  (allowed: readonly string[]): Check =>
  ({ spec, containers }) => {
    const badType = ({ type = '' }: SeLinux): boolean => !allowed.includes(type);
    const isBad = (options: SeLinux | undefined): boolean =>
      options !== undefined && (badType(options) || !!options.user || !!options.role);
    const podBad = isBad(spec.securityContext?.seLinuxOptions);
    const names = namesWhere(containers, (c) => isBad(contextOf(c).seLinuxOptions));
    if (!podBad && names.length === 0) return undefined;
    const all = [spec.securityContext?.seLinuxOptions, ...containers.map((c) => contextOf(c).seLinuxOptions)].filter(
      (options) => options !== undefined,
    );
    const types = sortedSet(all.filter(badType).map(({ type = '' }) => type));
    const problems = [
      ...(types.length > 0 ? [named('type', types)] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ];
    return {
      reason: 'seLinuxOptions',
      detail: `${setters(podBad, names)} set forbidden securityContext.seLinuxOptions: ${problems.join('; ')}`,
    };
  };

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

/** Before there was a field, profiles were annotations. */
const seccompAnnotations: Check = ({ annotations, containers }) => {
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...containers.map((c) => `container.seccomp.security.alpha.kubernetes.io/${c.name}`),
  ];
  const bad = keys.flatMap((key) => {
    const value = annotations[key];
    const fine = value === undefined || /^(runtime\/default$|docker\/default$|localhost\/)/.test(value);
    return fine ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  if (bad.length === 0) return undefined;
  const all = sortedSet(bad);
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', all)} ${all.join(', ')}` };
};

const seccompAllowed = ['RuntimeDefault', 'Localhost'];
export const isGoodSeccomp = (type: string | undefined): boolean => seccompAllowed.includes(type ?? '');

export const seccomp: Check = ({ spec, containers }) => {
  const podProfile = spec.securityContext?.seccompProfile;
  const podBad = podProfile !== undefined && !isGoodSeccomp(podProfile.type);
  const bad = containers.filter(
    (c) => contextOf(c).seccompProfile !== undefined && !isGoodSeccomp(contextOf(c).seccompProfile?.type),
  );
  if (!podBad && bad.length === 0) return undefined;
  const types = [...(podBad ? [podProfile.type] : []), ...bad.map((c) => contextOf(c).seccompProfile?.type)];
  const values = quoted(sortedSet(types.map((type) => type ?? '')));
  const by = setters(
    podBad,
    bad.map((c) => c.name),
  );
  return { reason: 'seccompProfile', detail: `${by} must not set securityContext.seccompProfile.type to ${values}` };
};

/** Those of today's safe sysctls that came later than the first. */
const newerSysctls: Readonly<Record<string, number>> = {
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const sysctls =
  (minor: number): Check =>
  ({ spec }) => {
    const isSafe = (name: string): boolean => safeSysctls.has(name) && (newerSysctls[name] ?? 0) <= minor;
    const bad = (spec.securityContext?.sysctls ?? []).map((s) => s.name).filter((name) => !isSafe(name));
    return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined;
  };

const hostProcess: Check = ({ spec, containers }) => {
  const podBad = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = namesWhere(containers, (c) => contextOf(c).windowsOptions?.hostProcess === true);
  return podBad || bad.length > 0
    ? {
        reason: 'hostProcess',
        detail: `${setters(podBad, bad)} must not set securityContext.windowsOptions.hostProcess=true`,
      }
    : undefined;
};

export const baseline: readonly VersionedCheck[] = [
  since(0, 'appArmorProfile', appArmor),
  since(0, 'capabilities_baseline', added),
  since(0, 'hostNamespaces', hostNamespaces),
  since(0, 'hostPathVolumes', hostPathVolumes),
  since(0, 'hostPorts', hostPorts),
  since(34, 'hostProbesAndHostLifecycle', hostProbes),
  since(0, 'privileged', privileged),
  {
    id: 'procMount',
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: exceptUserNamespaces(procMount) },
    ],
  },
  {
    id: 'seLinuxOptions',
    versions: [
      { since: 0, check: seLinux(seLinuxTypes) },
      { since: 31, check: seLinux([...seLinuxTypes, 'container_engine_t']) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccomp },
    ],
  },
  { id: 'sysctls', versions: [0, 27, 29, 32].map((minor) => ({ since: minor, check: sysctls(minor) })) },
  since(0, 'windowsHostProcess', hostProcess),
];
