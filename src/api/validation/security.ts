import type { PodSecurityContext, PodSpec, SecurityContext } from '../gen/core-v1.ts';
import { inRange } from '../names.ts';
import { validateDescendingPath } from './paths.ts';
import type { Problems } from './problems.ts';

const maxId = 2 ** 31 - 1;
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const sysctl = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const sysctlPattern = new RegExp(sysctl);

export function validateId(p: Problems, path: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > maxId)) p.invalid(path, id, inRange(0, maxId));
}

/** Seccomp and AppArmor; `between` runs where upstream has other checks between the two. */
export function validateProfiles(
  p: Problems,
  path: string,
  { seccompProfile, appArmorProfile }: Pick<SecurityContext, 'seccompProfile' | 'appArmorProfile'>,
  between: () => void = () => {},
): void {
  if (seccompProfile) {
    const at = `${path}.seccompProfile`;
    const { type, localhostProfile: local } = seccompProfile;
    if (!type) p.required(`${at}.type`, 'type is required when seccompProfile is set');
    else if (!profileTypes.includes(type)) p.unsupported(`${at}.type`, type, profileTypes);
    if (type === 'Localhost') {
      if (local === undefined) p.required(`${at}.localhostProfile`, 'must be set when seccomp type is Localhost');
      else validateDescendingPath(p, `${at}.localhostProfile`, local);
    } else if (local !== undefined) {
      p.invalid(`${at}.localhostProfile`, seccompProfile, 'can only be set when seccomp type is Localhost');
    }
  }
  between();
  if (!appArmorProfile) return;
  const at = `${path}.appArmorProfile`;
  const { type, localhostProfile: local } = appArmorProfile;
  if (!type) p.required(`${at}.type`, 'type is required when appArmorProfile is set');
  else if (!profileTypes.includes(type)) p.unsupported(`${at}.type`, type, profileTypes);
  else if (type !== 'Localhost') {
    if (local !== undefined) {
      p.invalid(`${at}.localhostProfile`, local, 'can only be set when AppArmor type is Localhost');
    }
  } else if (!local?.trim()) {
    p.required(`${at}.localhostProfile`, 'must be set when AppArmor type is Localhost');
  } else if (local.trim() !== local) {
    p.invalid(`${at}.localhostProfile`, local, 'must not be padded with whitespace');
  }
}

function known(p: Problems, path: string, value: string | undefined, supported: readonly string[]): void {
  if (value !== undefined && !supported.includes(value)) p.unsupported(path, value, supported);
}

export function validatePodSecurity(p: Problems, path: string, spec: PodSpec, context: PodSecurityContext): void {
  validateId(p, `${path}.fsGroup`, context.fsGroup);
  validateId(p, `${path}.runAsUser`, context.runAsUser);
  validateId(p, `${path}.runAsGroup`, context.runAsGroup);
  for (const [i, id] of (context.supplementalGroups ?? []).entries()) {
    validateId(p, `${path}.supplementalGroups[${i}]`, id);
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    p.invalid(`${path}.shareProcessNamespace`, true, why);
  }
  const names = new Set<string>();
  for (const [i, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${i}].name`;
    if (!name) p.required(at);
    else if (name.length > 253 || !sysctlPattern.test(name)) {
      p.invalid(at, name, `must have at most 253 characters and match regex ${sysctl}`);
    } else if (names.has(name)) p.duplicate(at, name);
    names.add(name);
  }
  known(p, `${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  validateProfiles(p, path, context);
  known(p, `${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  known(p, `${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']);
}
