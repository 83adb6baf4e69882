import type { Capabilities, Container, PodSpec, SecurityContext } from '../../../api/gen/core-v1.ts';
import { safeSysctls } from '../../../api/safe-sysctls.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';

/** What is wrong, as `reason (detail)`; undefined when nothing is. */
type Check = (spec: PodSpec, containers: readonly Container[]) => string | undefined;

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
const plural = (word: string, names: readonly unknown[]): string => (names.length === 1 ? word : `${word}s`);
const named = (word: string, names: readonly string[]): string => `${plural(word, names)} ${quoted(names)}`;
const namesWhere = (containers: readonly Container[], test: (c: Container) => boolean): string[] =>
  containers.filter(test).map((c) => c.name);
const told = (reason: string, detail: string): string => `${reason} (${detail})`;

/** Who of the pod and its containers sets something bad, as messages begin. */
function setters(podBad: boolean, names: readonly string[]): string {
  return [...(podBad ? ['pod'] : []), ...(names.length > 0 ? [named('container', names)] : [])].join(' and ');
}

const baselineCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const added = (container: Container): readonly string[] =>
  (container.securityContext?.capabilities as Capabilities | undefined)?.add ?? [];

function addedCapabilities(
  reason: string,
  containers: readonly Container[],
  allowed: (name: string) => boolean,
): string[] {
  const bad = namesWhere(containers, (c) => added(c).some((name) => !allowed(name)));
  if (bad.length === 0) return [];
  const which = [...new Set(containers.flatMap(added).filter((name) => !allowed(name)))].sort();
  return [`${named('container', bad)} must not include ${quoted(which)} in securityContext.capabilities.add`].map(
    (text) => (reason === '' ? text : told(reason, text)),
  );
}

const seLinuxTypes = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

type Options = { type?: string | undefined; user?: string | undefined; role?: string | undefined };

function seLinuxProblems(options: Options | undefined): string[] {
  if (!options) return [];
  return [
    ...(seLinuxTypes.has(options.type ?? '') ? [] : [`type "${options.type}"`]),
    ...(options.user ? ['user may not be set'] : []),
    ...(options.role ? ['role may not be set'] : []),
  ];
}

const contextOf = (container: Container): SecurityContext => container.securityContext ?? {};

/** By upstream's names of the checks, which is the order in which they are told. */
const baseline: Readonly<Record<string, Check>> = {
  appArmorProfile(spec, containers) {
    const podBad = spec.securityContext?.appArmorProfile?.type === 'Unconfined';
    const bad = namesWhere(containers, (c) => contextOf(c).appArmorProfile?.type === 'Unconfined');
    if (!podBad && bad.length === 0) return undefined;
    return told(
      'forbidden AppArmor profile',
      `${setters(podBad, bad)} must not set AppArmor profile type to "Unconfined"`,
    );
  },
  capabilities: (_spec, containers) =>
    addedCapabilities('non-default capabilities', containers, (name) => baselineCapabilities.has(name))[0],
  hostNamespaces(spec) {
    const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const)
      .filter((name) => spec[name])
      .map((name) => `${name}=true`);
    return set.length > 0 ? told('host namespaces', set.join(', ')) : undefined;
  },
  hostPathVolumes(spec) {
    const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath).map((volume) => volume.name);
    return bad.length > 0 ? told('hostPath volumes', named('volume', bad)) : undefined;
  },
  hostPorts(_spec, containers) {
    const bad = namesWhere(containers, (c) => c.ports?.some((port) => port.hostPort) ?? false);
    if (bad.length === 0) return undefined;
    const ports = [
      ...new Set(
        containers.flatMap((c) => (c.ports ?? []).flatMap((port) => (port.hostPort ? [String(port.hostPort)] : []))),
      ),
    ].sort();
    return told(
      'hostPort',
      `${named('container', bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports)} ${ports.join(', ')}`,
    );
  },
  privileged(_spec, containers) {
    const bad = namesWhere(containers, (c) => contextOf(c).privileged === true);
    return bad.length > 0
      ? told('privileged', `${named('container', bad)} must not set securityContext.privileged=true`)
      : undefined;
  },
  procMount(_spec, containers) {
    const bad = namesWhere(containers, (c) => !['', 'Default', undefined].includes(contextOf(c).procMount));
    if (bad.length === 0) return undefined;
    const values = [...new Set(containers.map((c) => contextOf(c).procMount ?? 'Default'))]
      .filter((v) => v !== 'Default')
      .sort();
    return told('procMount', `${named('container', bad)} must not set securityContext.procMount to ${quoted(values)}`);
  },
  seLinuxOptions(spec, containers) {
    const podProblems = seLinuxProblems(spec.securityContext?.seLinuxOptions);
    const bad = namesWhere(containers, (c) => seLinuxProblems(contextOf(c).seLinuxOptions).length > 0);
    if (podProblems.length === 0 && bad.length === 0) return undefined;
    const all = [...podProblems, ...containers.flatMap((c) => seLinuxProblems(contextOf(c).seLinuxOptions))];
    return told(
      'seLinuxOptions',
      `${setters(podProblems.length > 0, bad)} set forbidden securityContext.seLinuxOptions: ${[...new Set(all)].join('; ')}`,
    );
  },
  seccompProfile(spec, containers) {
    const podBad = spec.securityContext?.seccompProfile?.type === 'Unconfined';
    const bad = namesWhere(containers, (c) => contextOf(c).seccompProfile?.type === 'Unconfined');
    if (!podBad && bad.length === 0) return undefined;
    return told(
      'seccompProfile',
      `${setters(podBad, bad)} must not set securityContext.seccompProfile.type to "Unconfined"`,
    );
  },
  sysctls(spec) {
    const bad = (spec.securityContext?.sysctls ?? []).map((s) => s.name).filter((name) => !safeSysctls.has(name));
    return bad.length > 0 ? told('forbidden sysctls', bad.join(', ')) : undefined;
  },
  windowsHostProcess(spec, containers) {
    const podBad = spec.securityContext?.windowsOptions?.hostProcess === true;
    const bad = namesWhere(containers, (c) => contextOf(c).windowsOptions?.hostProcess === true);
    if (!podBad && bad.length === 0) return undefined;
    return told('hostProcess', `${setters(podBad, bad)} must not set securityContext.windowsOptions.hostProcess=true`);
  },
};

const allowedVolumes = [
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

const restricted: Readonly<Record<string, Check>> = {
  allowPrivilegeEscalation(spec, containers) {
    if (spec.os?.name === 'windows') return undefined;
    const bad = namesWhere(containers, (c) => contextOf(c).allowPrivilegeEscalation !== false);
    return bad.length > 0
      ? told(
          'allowPrivilegeEscalation != false',
          `${named('container', bad)} must set securityContext.allowPrivilegeEscalation=false`,
        )
      : undefined;
  },
  capabilities(spec, containers) {
    if (spec.os?.name === 'windows') return undefined;
    const missing = namesWhere(containers, (c) => !contextOf(c).capabilities?.drop?.includes('ALL'));
    const details = [
      ...(missing.length > 0
        ? [`${named('container', missing)} must set securityContext.capabilities.drop=["ALL"]`]
        : []),
      ...addedCapabilities('', containers, (name) => name === 'NET_BIND_SERVICE'),
    ];
    return details.length > 0 ? told('unrestricted capabilities', details.join('; ')) : undefined;
  },
  restrictedVolumes(spec) {
    const bad = (spec.volumes ?? []).filter((volume) =>
      Object.keys(volume).some((key) => !allowedVolumes.includes(key)),
    );
    if (bad.length === 0) return undefined;
    const types = [
      ...new Set(bad.flatMap((volume) => Object.keys(volume).filter((key) => !allowedVolumes.includes(key)))),
    ].sort();
    const names = bad.map((volume) => volume.name);
    return told(
      'restricted volume types',
      `${named('volume', names)} ${names.length === 1 ? 'uses' : 'use'} restricted volume ${plural('type', types)} ${quoted(types)}`,
    );
  },
  runAsNonRoot(spec, containers) {
    const pod = spec.securityContext?.runAsNonRoot;
    const explicit = namesWhere(containers, (c) => contextOf(c).runAsNonRoot === false);
    const podBad = pod === false;
    if (podBad || explicit.length > 0)
      return told(
        'runAsNonRoot != true',
        `${setters(podBad, explicit)} must not set securityContext.runAsNonRoot=false`,
      );
    const silent = pod === true ? [] : namesWhere(containers, (c) => contextOf(c).runAsNonRoot === undefined);
    return silent.length > 0
      ? told('runAsNonRoot != true', `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true`)
      : undefined;
  },
  runAsUser(spec, containers) {
    const podBad = spec.securityContext?.runAsUser === 0;
    const bad = namesWhere(containers, (c) => contextOf(c).runAsUser === 0);
    return podBad || bad.length > 0
      ? told('runAsUser=0', `${setters(podBad, bad)} must not set runAsUser=0`)
      : undefined;
  },
  seccompProfile(spec, containers) {
    if (spec.os?.name === 'windows') return undefined;
    const good = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';
    const podType = spec.securityContext?.seccompProfile?.type;
    const bad = namesWhere(
      containers,
      (c) => contextOf(c).seccompProfile !== undefined && !good(contextOf(c).seccompProfile?.type),
    );
    const podBad = podType !== undefined && !good(podType);
    if (podBad || bad.length > 0)
      return told(
        'seccompProfile',
        `${setters(podBad, bad)} must not set securityContext.seccompProfile.type to "Unconfined"`,
      );
    const silent = good(podType) ? [] : namesWhere(containers, (c) => contextOf(c).seccompProfile === undefined);
    return silent.length > 0
      ? told(
          'seccompProfile',
          `pod or ${named('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
        )
      : undefined;
  },
};

/** What a pod does that its level forbids, joined as upstream joins it; undefined when nothing. */
export function violations(level: Level, spec: PodSpec): string | undefined {
  if (level === 'privileged') return undefined;
  const containers = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ];
  const first = Object.entries(baseline).filter(([name]) => level === 'baseline' || restricted[name] === undefined);
  const second = level === 'restricted' ? Object.entries(restricted) : [];
  const problems = [...first, ...second]
    .map(([, check]) => check(spec, containers))
    .filter((text) => text !== undefined);
  return problems.length > 0 ? problems.join(', ') : undefined;
}
