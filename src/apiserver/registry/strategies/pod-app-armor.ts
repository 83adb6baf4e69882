import type { AppArmorProfile, Container, Pod } from '../../../api/gen/core-v1.ts';

const prefix = 'container.apparmor.security.beta.kubernetes.io/';

function profileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const localhostProfile = /^localhost\/(.+)$/s.exec(annotation)?.[1];
  return localhostProfile === undefined ? undefined : { type: 'Localhost', localhostProfile };
}

const same = (a: AppArmorProfile, b: AppArmorProfile | undefined): boolean =>
  a.type === b?.type && a.localhostProfile === b.localhostProfile;

/** What a pod says of AppArmor by annotations becomes fields of its containers, with a warning for each. */
export function takeAppArmorAnnotations(pod: Pod, warn: (text: string) => void): void {
  const { spec, metadata } = pod;
  const { annotations } = metadata;
  if (!spec || !annotations || spec.os?.name === 'windows') return;
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  for (const container of containers as Container[]) {
    const annotation = annotations[prefix + container.name];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const profile = profileOf(annotation);
    if (profile && same(profile, spec.securityContext?.appArmorProfile)) continue;
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    const field = `metadata.annotations[${prefix}${container.name}]`;
    warn(`${field}: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
}
