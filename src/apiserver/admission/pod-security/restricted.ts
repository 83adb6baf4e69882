import type { Container, Volume } from '../../../api/gen/core-v1.ts';
import { isGoodSeccomp, procMount, seccomp } from './baseline.ts';
import {
  type Check,
  contextOf,
  exceptUserNamespaces,
  exceptWindows,
  named,
  namesWhere,
  plural,
  quoted,
  setters,
  since,
  sortedSet,
  type VersionedCheck,
} from './check.ts';

/** Checks that the level `restricted` has besides those of `baseline`. Upstream: `pod-security-admission/policy`. */

const allowPrivilegeEscalation: Check = ({ containers }) => {
  const bad = namesWhere(containers, (c) => contextOf(c).allowPrivilegeEscalation !== false);
  return bad.length > 0
    ? {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${named('container', bad)} must set securityContext.allowPrivilegeEscalation=false`,
      }
    : undefined;
};

const capabilities: Check = ({ containers }) => {
  const missing = namesWhere(containers, (c) => !contextOf(c).capabilities?.drop?.includes('ALL'));
  const badOf = (c: Container) => (contextOf(c).capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
  const adding = namesWhere(containers, (c) => badOf(c).length > 0);
  const details: string[] = [];
  if (missing.length > 0)
    details.push(`${named('container', missing)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const which = quoted(sortedSet(containers.flatMap(badOf)));
    details.push(`${named('container', adding)} must not include ${which} in securityContext.capabilities.add`);
  }
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
};

const allowedVolumes = new Set(
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' '),
);

/** What a volume is, by the name of its source. */
const sourceOf = (volume: Volume): string =>
  Object.entries(volume).find(([key, value]) => key !== 'name' && value !== undefined)?.[0] ?? 'unknown';

const volumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.has(sourceOf(volume)));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map(sourceOf));
  const names = bad.map((volume) => volume.name);
  const what = plural('restricted volume type', types);
  return {
    reason: 'restricted volume types',
    detail: `${named('volume', names)} ${names.length === 1 ? 'uses' : 'use'} ${what} ${quoted(types)}`,
  };
};

const runAsNonRoot: Check = ({ spec, containers }) => {
  const pod = spec.securityContext?.runAsNonRoot;
  const explicit = namesWhere(containers, (c) => contextOf(c).runAsNonRoot === false);
  const reason = 'runAsNonRoot != true';
  if (pod === false || explicit.length > 0)
    return { reason, detail: `${setters(pod === false, explicit)} must not set securityContext.runAsNonRoot=false` };
  const silent = pod === true ? [] : namesWhere(containers, (c) => contextOf(c).runAsNonRoot === undefined);
  return silent.length > 0
    ? { reason, detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true` }
    : undefined;
};

const runAsUser: Check = ({ spec, containers }) => {
  const podBad = spec.securityContext?.runAsUser === 0;
  const bad = namesWhere(containers, (c) => contextOf(c).runAsUser === 0);
  return podBad || bad.length > 0
    ? { reason: 'runAsUser=0', detail: `${setters(podBad, bad)} must not set runAsUser=0` }
    : undefined;
};

const seccompSet: Check = (subject) => {
  const bad = seccomp(subject);
  if (bad) return bad;
  const { spec, containers } = subject;
  const silent = isGoodSeccomp(spec.securityContext?.seccompProfile?.type)
    ? []
    : namesWhere(containers, (c) => contextOf(c).seccompProfile === undefined);
  return silent.length > 0
    ? {
        reason: 'seccompProfile',
        detail: `pod or ${named('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      }
    : undefined;
};

export const restricted: readonly VersionedCheck[] = [
  {
    id: 'allowPrivilegeEscalation',
    versions: [
      { since: 8, check: allowPrivilegeEscalation },
      { since: 25, check: exceptWindows(allowPrivilegeEscalation) },
    ],
  },
  {
    id: 'capabilities_restricted',
    versions: [
      { since: 22, check: capabilities },
      { since: 25, check: exceptWindows(capabilities) },
    ],
    instead: 'capabilities_baseline',
  },
  { ...since(35, 'procMount_restricted', procMount), instead: 'procMount' },
  { ...since(0, 'restrictedVolumes', volumes), instead: 'hostPathVolumes' },
  {
    id: 'runAsNonRoot',
    versions: [
      { since: 0, check: runAsNonRoot },
      { since: 35, check: exceptUserNamespaces(runAsNonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    versions: [
      { since: 23, check: runAsUser },
      { since: 35, check: exceptUserNamespaces(runAsUser) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    versions: [
      { since: 19, check: seccompSet },
      { since: 25, check: exceptWindows(seccompSet) },
    ],
    instead: 'seccompProfile_baseline',
  },
];
