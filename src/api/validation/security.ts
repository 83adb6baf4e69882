import type { PodSecurityContext, PodSpec, SecurityContext } from '../gen/core-v1.ts';
import { inRange } from '../names.ts';
import { validateDescendingPath } from './paths.ts';
import type { Problems } from './problems.ts';
import { validateSysctls } from './sysctls.ts';
import { validateWindowsOptions } from './windows.ts';

const maxId = 2 ** 31 - 1;
/** Of a path that the kernel takes. */
const longestProfile = 4095;
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

export function validateId(p: Problems, path: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > maxId)) p.invalid(path, id, inRange(0, maxId));
}

type Profiles = Pick<SecurityContext, 'seccompProfile' | 'appArmorProfile' | 'windowsOptions'>;

/** Seccomp, the options of Windows and AppArmor; `between` runs where upstream has other checks after the first. */
export function validateProfiles(
  p: Problems,
  path: string,
  { seccompProfile, appArmorProfile, windowsOptions }: Profiles,
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
  validateWindowsOptions(p, `${path}.windowsOptions`, windowsOptions);
  if (!appArmorProfile) return;
  const at = `${path}.appArmorProfile`;
  const { type, localhostProfile: local } = appArmorProfile;
  if (!type) p.required(`${at}.type`, 'type is required when appArmorProfile is set');
  else if (!profileTypes.includes(type)) p.unsupported(`${at}.type`, type, profileTypes);
  else if (type !== 'Localhost') {
    if (local !== undefined) {
      p.invalid(`${at}.localhostProfile`, local, 'can only be set when AppArmor type is Localhost');
    }
  } else if (!local) {
    p.required(`${at}.localhostProfile`, 'must be set when AppArmor type is Localhost');
  } else {
    if (local.trim() !== local) p.invalid(`${at}.localhostProfile`, local, 'must not be padded with whitespace');
    if (Buffer.byteLength(local) > longestProfile) p.tooLong(`${at}.localhostProfile`, longestProfile);
  }
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
  validateSysctls(p, `${path}.sysctls`, spec);
  p.known(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  validateProfiles(p, path, context);
  p.known(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  p.known(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive']);
}
