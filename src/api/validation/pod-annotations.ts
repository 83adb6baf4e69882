import type { Pod, PodSpec, SeccompProfile, Toleration } from '../gen/core-v1.ts';
import type { ObjectMeta } from '../gen/meta-v1.ts';
import { validateAnnotatedList } from './annotated-list.ts';
import { containersOf } from './container-paths.ts';
import { validateLocalPath } from './paths.ts';
import type { Problems } from './problems.ts';
import { validateTolerations } from './scheduling.ts';

/** What was said of pods by annotations before there were fields for it. Upstream: `pkg/apis/core/validation`. */

const mirror = 'kubernetes.io/config.mirror';
const tolerated = 'scheduler.alpha.kubernetes.io/tolerations';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';
const appArmor = 'container.apparmor.security.beta.kubernetes.io/';
const local = 'localhost/';

function validateSeccomp(p: Problems, path: string, profile: string): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return;
  if (profile.startsWith(local)) validateLocalPath(p, path, profile.slice(local.length));
  else p.invalid(path, profile, 'must be a valid seccomp profile');
}

const isInt32 = (text: string): boolean =>
  text === '0' || (/^-?[1-9]\d*$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31);

function validateAnnotations(p: Problems, annotations: Readonly<Record<string, string>>, spec: PodSpec): void {
  const at = 'metadata.annotations';
  const copied = annotations[mirror];
  if (copied !== undefined && !spec.nodeName) {
    p.invalid(`${at}[${mirror}]`, copied, 'must set spec.nodeName if mirror pod annotation is set');
  }
  validateAnnotatedList<Toleration>(
    p,
    { annotations },
    {
      key: tolerated,
      path: at,
      type: 'Toleration',
      check: (list) => validateTolerations(p, `${at}.${tolerated}`, list),
    },
  );
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) p.invalid(`${at}[${deletionCost}]`, cost, 'must be a 32bit integer');
  const whole = annotations[seccompPod];
  if (whole !== undefined) validateSeccomp(p, `${at}.${seccompPod}`, whole);
  const names = containersOf(spec, 'spec').map(({ container }) => container.name);
  for (const [key, value] of Object.entries(annotations)) {
    if (key.startsWith(seccompContainer)) validateSeccomp(p, `${at}.${key}`, value);
    if (!key.startsWith(appArmor)) continue;
    const name = key.slice(appArmor.length);
    if (!names.includes(name)) p.invalid(`${at}[${key}]`, name, 'container not found');
    if (!['', 'runtime/default', 'unconfined'].includes(value) && !value.startsWith(local)) {
      p.invalid(`${at}[${key}]`, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`);
    }
  }
}

interface Profile {
  type?: string | undefined;
  localhostProfile?: string | undefined;
}

/** An annotation and a field for the same have to say the same. */
function validateSame(
  p: Problems,
  path: string,
  annotation: string | undefined,
  field: Profile | undefined,
  what: { name: string; byDefault: readonly string[] },
): void {
  if (annotation === undefined || !field) return;
  const must = 'in annotation and field must match';
  const kinds = { Unconfined: ['unconfined'], RuntimeDefault: what.byDefault } as Record<string, readonly string[]>;
  const texts = kinds[field.type ?? ''];
  if (texts) {
    if (!texts.includes(annotation)) p.forbidden(`${path}.type`, `${what.name} type ${must}`);
  } else if (field.type === 'Localhost') {
    if (!annotation.startsWith(local)) p.forbidden(`${path}.type`, `${what.name} type ${must}`);
    else if (annotation.slice(local.length) !== field.localhostProfile) {
      p.forbidden(`${path}.localhostProfile`, `${what.name} profile ${must}`);
    }
  }
}

const seccomp = { name: 'seccomp', byDefault: ['runtime/default', 'docker/default'] };
const armor = { name: 'apparmor', byDefault: ['runtime/default'] };

export function validatePodAnnotations(p: Problems, { metadata, spec }: Pod): void {
  validateAnnotations(p, metadata.annotations ?? {}, spec ?? { containers: [] });
}

/** Asked of a new pod alone: what is there is left as it is. */
export function validateAnnotatedProfiles(p: Problems, { metadata, spec }: Pod): void {
  const { annotations = {} }: ObjectMeta = metadata;
  if (!spec) return;
  const { securityContext } = spec;
  const own: SeccompProfile | undefined = securityContext?.seccompProfile;
  validateSame(p, 'spec.securityContext.seccompProfile', annotations[seccompPod], own, seccomp);
  const containers = containersOf(spec, 'spec');
  for (const { container, path } of containers) {
    const profile = container.securityContext?.seccompProfile;
    const annotation = annotations[seccompContainer + container.name];
    validateSame(p, `${path}.securityContext.seccompProfile`, annotation, profile, seccomp);
  }
  if (spec.os?.name === 'windows') return;
  for (const { container, path } of containers) {
    const profile = container.securityContext?.appArmorProfile ?? securityContext?.appArmorProfile;
    const annotation = annotations[appArmor + container.name];
    validateSame(p, `${path}.securityContext.appArmorProfile`, annotation, profile, armor);
  }
}

/** That a pod is the mirror of a static one, and its profiles, stay as they are. */
export function validateAnnotationUpdates(p: Problems, pod: Pod, old: Pod): void {
  const now = pod.metadata.annotations ?? {};
  const was = old.metadata.annotations ?? {};
  const told = (key: string, verb: string): void => {
    const at = `metadata.annotations[${key}]`;
    if (key.startsWith(appArmor)) p.forbidden(at, `may not ${verb} AppArmor annotations`);
    if (key === mirror) p.forbidden(at, `may not ${verb} mirror pod annotation`);
  };
  for (const key of Object.keys(was)) if (now[key] !== was[key]) told(key, 'remove or update');
  for (const key of Object.keys(now)) if (was[key] === undefined) told(key, 'add');
  validatePodAnnotations(p, pod);
}
