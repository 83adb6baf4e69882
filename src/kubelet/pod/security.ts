import type { Container, PodSecurityContext, SecurityContext } from '../../api/gen/core-v1.ts';
import { KnarrError } from '../../base/errors.ts';
import type { ContainerSecurity, NamespaceOptions, SandboxSecurity, SecurityProfile } from '../../cri/types.ts';
import { type NodePod, podText } from './pod.ts';

/** What the security parts of a pod's configuration need of the node. */
export interface SecurityContextNode {
  /** Seccomp profiles of type Localhost lie below it. */
  seccompRoot: string;
  /** Whether those who say nothing of seccomp get the runtime's profile. */
  seccompDefault?: boolean | undefined;
  appArmorEnabled: boolean;
  /** The identity range of a pod that asked for a user namespace. */
  userNamespace?: { hostId: number; length: number } | undefined;
}

export interface ImageUser {
  uid?: number | undefined;
  username?: string | undefined;
}

const defaultMasked = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const defaultReadonly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function namespacesOf(pod: NodePod, node: SecurityContextNode, targetId?: string): NamespaceOptions {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  const range = node.userNamespace;
  const mapping = range ? [{ hostId: range.hostId, containerId: 0, length: range.length }] : [];
  return {
    network: hostNetwork ? 'NODE' : 'POD',
    ipc: hostIPC ? 'NODE' : 'POD',
    pid: targetId !== undefined ? 'TARGET' : hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER',
    ...(targetId === undefined ? {} : { targetId }),
    ...(range ? { usernsOptions: { mode: 'POD' as const, uids: mapping, gids: mapping } } : {}),
  };
}

const groupsOf = (context: PodSecurityContext | undefined): number[] => [
  ...(context?.fsGroup === undefined ? [] : [context.fsGroup]),
  ...(context?.supplementalGroups ?? []),
];

const policyOf = (context: PodSecurityContext | undefined): Pick<ContainerSecurity, 'supplementalGroupsPolicy'> =>
  context?.supplementalGroupsPolicy
    ? { supplementalGroupsPolicy: context.supplementalGroupsPolicy as 'Merge' | 'Strict' }
    : {};

const selinuxOf = (options: SecurityContext['seLinuxOptions']): Pick<ContainerSecurity, 'selinuxOptions'> =>
  options
    ? {
        selinuxOptions: {
          user: options.user ?? '',
          role: options.role ?? '',
          type: options.type ?? '',
          level: options.level ?? '',
        },
      }
    : {};

const idOf = (value: number | undefined): { value: number } | undefined =>
  value === undefined ? undefined : { value };

export function sandboxSecurity(pod: NodePod, node: SecurityContextNode): SandboxSecurity {
  const context = pod.spec.securityContext;
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const user = idOf(context?.runAsUser);
  const group = idOf(context?.runAsGroup);
  return {
    privileged: all.some((c) => c.securityContext?.privileged === true),
    seccomp: { profileType: 'RuntimeDefault' },
    namespaceOptions: namespacesOf(pod, node),
    ...(user ? { runAsUser: user } : {}),
    ...(group ? { runAsGroup: group } : {}),
    supplementalGroups: groupsOf(context),
    ...policyOf(context),
    ...selinuxOf(context?.seLinuxOptions),
  };
}

interface ProfileField {
  type: string;
  localhostProfile?: string | undefined;
}

function seccompOf(pod: NodePod, container: Container, node: SecurityContextNode): SecurityProfile {
  const field: ProfileField | undefined =
    container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile;
  if (!field && node.seccompDefault && !container.securityContext?.privileged) return { profileType: 'RuntimeDefault' };
  if (!field || field.type === 'Unconfined') return { profileType: 'Unconfined' };
  if (field.type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' };
  if (!field.localhostProfile)
    throw new KnarrError({
      code: 'seccomp-profile',
      blame: 'user',
      message: 'localhostProfile must be set if seccompProfile type is Localhost.',
    });
  return { profileType: 'Localhost', localhostRef: `${node.seccompRoot}/${field.localhostProfile}` };
}

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';

function appArmorField(pod: NodePod, container: Container): ProfileField | undefined {
  const field = container.securityContext?.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile;
  if (field) return field;
  const annotation = pod.metadata.annotations?.[appArmorAnnotation + container.name];
  if (annotation === undefined || annotation === '') return undefined;
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  return { type: 'Localhost', localhostProfile: annotation.replace(/^localhost\//, '') };
}

function appArmorOf(pod: NodePod, container: Container, enabled: boolean): Pick<ContainerSecurity, 'apparmor'> {
  const field = appArmorField(pod, container);
  if (!field || (!enabled && field.type !== 'Localhost')) return {};
  if (!enabled)
    throw new KnarrError({
      code: 'apparmor-missing',
      blame: 'user',
      message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host',
    });
  return {
    apparmor: {
      profileType: field.type as SecurityProfile['profileType'],
      ...(field.localhostProfile ? { localhostRef: field.localhostProfile } : {}),
    },
  };
}

/** Throws where the pod may not run as root and would, with upstream's words. */
export function verifyRunAsNonRoot(pod: NodePod, container: Container, image: ImageUser): void {
  const own = container.securityContext;
  const nonRoot = own?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot;
  if (nonRoot !== true) return;
  const user = own?.runAsUser ?? pod.spec.securityContext?.runAsUser;
  const where = `(pod: ${JSON.stringify(podText(pod))}, container: ${container.name})`;
  const refuse = (message: string): never => {
    throw new KnarrError({ code: 'run-as-non-root', blame: 'user', message: `${message} ${where}` });
  };
  if (user !== undefined) {
    if (user === 0) refuse("container's runAsUser breaks non-root policy");
    return;
  }
  if (image.uid === undefined && image.username)
    refuse(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`,
    );
  if (image.uid === 0) refuse('container has runAsNonRoot and image will run as root');
}

export function containerSecurity(
  pod: NodePod,
  container: Container,
  image: ImageUser,
  node: SecurityContextNode,
  targetId?: string,
): ContainerSecurity {
  const podContext = pod.spec.securityContext;
  const own: SecurityContext = container.securityContext ?? {};
  const user = own.runAsUser ?? podContext?.runAsUser ?? image.uid;
  const group = own.runAsGroup ?? podContext?.runAsGroup;
  const unmasked = own.procMount === 'Unmasked';
  const runAsUser = idOf(user);
  const runAsGroup = idOf(group);
  return {
    privileged: own.privileged === true,
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    ...(own.capabilities
      ? {
          capabilities: {
            addCapabilities: own.capabilities.add ?? [],
            dropCapabilities: own.capabilities.drop ?? [],
          },
        }
      : {}),
    ...(runAsUser ? { runAsUser } : image.username ? { runAsUsername: image.username } : {}),
    ...(runAsGroup ? { runAsGroup } : {}),
    ...selinuxOf(own.seLinuxOptions ?? podContext?.seLinuxOptions),
    seccomp: seccompOf(pod, container, node),
    ...appArmorOf(pod, container, node.appArmorEnabled),
    namespaceOptions: namespacesOf(pod, node, targetId),
    supplementalGroups: groupsOf(podContext),
    ...policyOf(podContext),
    noNewPrivs: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : defaultMasked,
    readonlyPaths: unmasked ? [] : defaultReadonly,
  };
}
