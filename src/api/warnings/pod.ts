import type { Container, ContainerPort, PersistentVolumeClaimSpec, PodSpec } from '../gen/core-v1.ts';
import { parseQuantity } from '../quantity.ts';
import { addressWarnings } from './addresses.ts';
import { keyWarnings, labelWarning, termWarnings } from './node-labels.ts';
import { overlaps } from './overlaps.ts';

/** What is unwise about a pod that is valid. Upstream: `pkg/api/pod/warnings.go`. */

type Annotations = Readonly<Record<string, string>>;

/** A pod, or the template of one. */
export interface PodLike {
  readonly metadata?: { readonly annotations?: Annotations | undefined } | undefined;
  readonly spec?: PodSpec | undefined;
}

const annotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

/** Kinds of volumes that nothing mounts any more, in the order in which they are told. */
const volumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

const fraction = (path: string, amounts: Readonly<Record<string, string>> | undefined, name: string): string[] => {
  const text = amounts?.[name];
  if (text === undefined || parseQuantity(text).nanos % 1_000_000_000n === 0n) return [];
  return [`${path}[${name}]: fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`];
};

export const claimSpecWarnings = (path: string, spec: PersistentVolumeClaimSpec | undefined): string[] => [
  ...fraction(`${path}.resources.requests`, spec?.resources?.requests, 'storage'),
  ...fraction(`${path}.resources.limits`, spec?.resources?.limits, 'storage'),
];

const repeated = <T>(list: readonly T[] | undefined, of: (item: T) => string | undefined): number[] => {
  const seen = new Set<string>();
  return (list ?? []).flatMap((item, i) => {
    const value = of(item) ?? '';
    if (seen.has(value)) return [i];
    seen.add(value);
    return [];
  });
};

function placement(spec: PodSpec, at: string): string[] {
  const { affinity, topologySpreadConstraints = [] } = spec;
  const node = affinity?.nodeAffinity;
  const inNode = `${at}.affinity.nodeAffinity`;
  return [
    ...keyWarnings(`${at}.nodeSelector`, spec.nodeSelector),
    ...(node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      termWarnings(`${inNode}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`, term, false),
    ),
    ...(node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ preference }, i) =>
      termWarnings(`${inNode}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`, preference, true),
    ),
    ...topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, i) => {
      const path = `${at}.topologySpreadConstraints[${i}]`;
      const why = labelWarning(topologyKey);
      return [
        ...(why ? [`${path}.topologyKey: ${topologyKey} is ${why}`] : []),
        ...(labelSelector ? [] : [`${path}.labelSelector: a null labelSelector results in matching no pod`]),
      ];
    }),
  ];
}

function neighbours(spec: PodSpec, at: string): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) => {
    const terms = spec.affinity?.[kind];
    const path = `${at}.affinity.${kind}`;
    const told = (where: string): string => `${where}.labelSelector: a null labelSelector results in matching no pod`;
    const required = 'requiredDuringSchedulingIgnoredDuringExecution';
    const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
    return [
      ...(terms?.[required] ?? []).flatMap((term, i) =>
        term.labelSelector ? [] : [told(`${path}.${required}[${i}]`)],
      ),
      ...(terms?.[preferred] ?? []).flatMap(({ podAffinityTerm }, i) =>
        podAffinityTerm.labelSelector ? [] : [told(`${path}.${preferred}[${i}].podAffinityTerm`)],
      ),
    ];
  });
}

function variables({ env = [] }: Container, at: string): string[] {
  return repeated(env, ({ name }) => name).flatMap((i) => {
    const { name = '', value = '', valueFrom } = env[i] ?? {};
    const reference = `$(${name})`;
    // One that is made of the one before it hides nothing.
    if (!valueFrom && value !== reference && value.includes(reference)) return [];
    return [
      `${at}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
    ];
  });
}

const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const useSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';

function oneContainer(container: Container, at: string, given: Annotations, metadata: string): string[] {
  const { name, resources, securityContext } = container;
  const seccomp = `container.seccomp.security.alpha.kubernetes.io/${name}`;
  return [
    ...(!securityContext?.seccompProfile && given[seccomp] !== undefined
      ? [`${metadata}[${seccomp}]: ${useSeccomp}`]
      : []),
    ...['memory', 'ephemeral-storage'].flatMap((amount) => [
      ...fraction(`${at}.resources.limits`, resources?.limits, amount),
      ...fraction(`${at}.resources.requests`, resources?.requests, amount),
    ]),
    ...variables(container, at),
  ];
}

interface Port {
  readonly at: string;
  readonly port: ContainerPort;
}

/** A structure as Go prints it. */
const portText = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: ContainerPort): string =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;

function portClash({ at, port }: Port, other: Port): string[] {
  const [a, b] = [port, other.port].map(({ hostIP = '', hostPort = 0 }) => ({ hostIP, hostPort }));
  if (!a || !b) return [];
  const told = (what: string): string[] => [`${at}: ${what} port definition with ${other.at}`];
  if (a.hostIP === b.hostIP && a.hostPort === b.hostPort) return told('duplicate');
  if (a.hostPort === 0 || b.hostPort === 0) return told('overlapping');
  return a.hostPort === b.hostPort && (a.hostIP === '') !== (b.hostIP === '') ? told('dangerously ambiguous') : [];
}

function ports(all: readonly Port[]): string[] {
  const seen: Port[] = [];
  const told = all.flatMap((one) => {
    const { at, port } = one;
    const same = seen.filter(
      (other) => other.port.containerPort === port.containerPort && other.port.protocol === port.protocol,
    );
    seen.push(one);
    const alone = port.hostIP && !port.hostPort ? [`${at}: hostIP set without hostPort: ${portText(port)}`] : [];
    return [...alone, ...same.flatMap((other) => portClash(one, other))];
  });
  const names = new Map<string, string>();
  const named = all.flatMap(({ at, port: { name } }) => {
    if (!name) return [];
    const first = names.get(name);
    if (first === undefined) names.set(name, at);
    const use = 'services and probes that select ports by name will use';
    return first === undefined
      ? []
      : [`${at}: duplicate port name ${JSON.stringify(name)} with ${first}, ${use} ${first}`];
  });
  return [...told, ...named];
}

const appArmor = 'container.apparmor.security.beta.kubernetes.io/';

/** In templates alone: of a pod the annotation becomes the field. */
const profiles = (containers: readonly Container[], spec: PodSpec, given: Annotations, metadata: string): string[] =>
  containers.flatMap(({ name, securityContext }) => {
    if (securityContext?.appArmorProfile || spec.securityContext?.appArmorProfile) return [];
    const key = `${appArmor}${name}`;
    return given[key] === undefined
      ? []
      : [`${metadata}[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`];
  });

/** `path`: '' for a pod, or where the template stands. */
export function podWarnings({ metadata, spec }: PodLike, path: string): string[] {
  if (!spec) return [];
  const root = path === '' ? '' : `${path}.`;
  const at = `${root}spec`;
  const noted = `${root}metadata.annotations`;
  const given = metadata?.annotations ?? {};
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    ((spec[list] ?? []) as Container[]).map((container, i) => ({ container, place: `${at}.${list}[${i}]` })),
  );
  const { imagePullSecrets: pulls = [], hostAliases = [] } = spec;
  return [
    ...placement(spec, at),
    ...Object.entries(annotations).flatMap(([key, why]) =>
      given[key] === undefined ? [] : [`${noted}[${key}]: ${why}`],
    ),
    ...(spec.volumes ?? []).flatMap((volume, i) => [
      ...Object.entries(volumes).flatMap(([kind, why]) =>
        volume[kind as 'rbd'] ? [`${at}.volumes[${i}].${kind === 'storageos' ? 'storageOS' : kind}: ${why}`] : [],
      ),
      ...claimSpecWarnings(
        `${at}.volumes[${i}].ephemeral.volumeClaimTemplate.spec`,
        volume.ephemeral?.volumeClaimTemplate?.spec,
      ),
    ]),
    ...overlaps(spec.volumes ?? []),
    ...repeated(hostAliases, ({ ip }) => ip).map(
      (i) => `${at}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(hostAliases[i]?.ip)}`,
    ),
    ...repeated(pulls, ({ name }) => name).map(
      (i) => `${at}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(pulls[i]?.name ?? '')}`,
    ),
    ...pulls.flatMap(({ name }, i) => (name ? [] : [`${at}.imagePullSecrets[${i}].name: invalid empty name ""`])),
    ...['memory', 'ephemeral-storage'].flatMap((name) => fraction(`${at}.overhead`, spec.overhead, name)),
    ...(!spec.securityContext?.seccompProfile && given[seccompPod] !== undefined
      ? [`${noted}[${seccompPod}]: ${useSeccomp}`]
      : []),
    ...containers.flatMap(({ container, place }) => oneContainer(container, place, given, noted)),
    ...(path === ''
      ? []
      : profiles(
          containers.map(({ container }) => container),
          spec,
          given,
          noted,
        )),
    ...ports(
      containers.flatMap(({ container, place }) =>
        (container.ports ?? []).map((port, i) => ({ at: `${place}.ports[${i}]`, port })),
      ),
    ),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...neighbours(spec, at),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ip, i) => addressWarnings(`${at}.dnsConfig.nameservers[${i}]`, ip)),
    ...hostAliases.flatMap(({ ip }, i) => addressWarnings(`${at}.hostAliases[${i}].ip`, ip)),
  ];
}
