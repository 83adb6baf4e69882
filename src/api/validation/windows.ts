import type { PodSecurityContext, PodSpec, SecurityContext, WindowsSecurityContextOptions } from '../gen/core-v1.ts';
import { isDns1123Subdomain } from '../names.ts';
import { containersOf } from './container-paths.ts';
import type { Problems } from './problems.ts';

/** What can be asked of pods on Windows, and what of others. Upstream: `pkg/apis/core/validation`. */

type PodField = `securityContext.${keyof PodSecurityContext}` | keyof PodSpec;

const notOnWindows: readonly PodField[] = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
];

const notInWindowsContainers: readonly (keyof SecurityContext)[] = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

/** Where to say no is to say nothing. */
const emptyWhenFalse = new Set<PodField>(['hostPID', 'hostIPC']);

function isGiven({ securityContext = {}, ...spec }: PodSpec, field: PodField): boolean {
  const [context, within] = field.split('.');
  const value = within ? securityContext[within as keyof PodSecurityContext] : spec[context as 'hostPID'];
  if (value === undefined || (field === 'securityContext.sysctls' && (value as unknown as []).length === 0))
    return false;
  return Boolean(value) || !emptyWhenFalse.has(field);
}

/** What an operating system that is named excludes. */
export function validateForSystem(p: Problems, path: string, spec: PodSpec): void {
  if (spec.os?.name === 'windows') {
    const why = 'cannot be set for a windows pod';
    for (const field of notOnWindows) if (isGiven(spec, field)) p.forbidden(`${path}.${field}`, why);
    for (const { container, path: at } of containersOf(spec, path)) {
      for (const field of notInWindowsContainers) {
        if (container.securityContext?.[field] !== undefined) p.forbidden(`${at}.securityContext.${field}`, why);
      }
    }
  } else if (spec.os?.name === 'linux') {
    const holders = [{ container: spec, path }, ...containersOf(spec, path)];
    for (const { container, path: at } of holders) {
      if (!container.securityContext?.windowsOptions) continue;
      p.forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod');
    }
  }
}

/** Containers that are processes of a Windows host: all of a pod or none. */
export function validateHostProcess(p: Problems, path: string, spec: PodSpec): void {
  const forAll = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersOf(spec, path);
  let count = 0;
  for (const { container, path: at } of containers) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (forAll !== undefined && own !== undefined && own !== forAll) {
      const why = `pod hostProcess value must be identical if both are specified, was ${forAll}`;
      p.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, why);
    }
    if (own ?? forAll) count += 1;
  }
  if (count === 0) return;
  if (count < containers.length) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    p.invalid(path, '', why);
  }
  if (!spec.hostNetwork) {
    p.invalid(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers');
  }
}

const mostOfCredentials = 64;
const longestDomain = 255;
const longestUser = 104;
const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const dnsName = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const control = /[\x00-\x1f\x7f]/;

/** What is wrong with `DOMAIN\USER` or `USER`. */
function userProblems(name: string): string[] {
  if (name === '') return [' cannot be an empty string'];
  if (control.test(name)) return [' cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return [' cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? parts[0] : undefined;
  const texts: string[] = [];
  if (Buffer.byteLength(domain ?? '') > longestDomain) {
    texts.push(`'s Domain length must be under ${longestDomain + 1} characters`);
  }
  if (domain !== undefined && !netBios.test(domain) && !dnsName.test(domain)) {
    texts.push("'s Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') texts.push("'s User cannot be empty");
  else if (Buffer.byteLength(user) > longestUser) {
    texts.push(`'s User length must not be longer than ${longestUser} characters`);
  }
  if (/^[. ]+$/.test(user)) texts.push("'s User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    texts.push(`'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  }
  return texts;
}

export function validateWindowsOptions(
  p: Problems,
  path: string,
  options: WindowsSecurityContextOptions | undefined,
): void {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: credentials, runAsUserName: user } = options ?? {};
  if (name !== undefined) p.all(`${path}.gmsaCredentialSpecName`, name, isDns1123Subdomain(name));
  const at = `${path}.gmsaCredentialSpec`;
  if (credentials === '') p.invalid(at, credentials, 'gmsaCredentialSpec cannot be an empty string');
  else if (Buffer.byteLength(credentials ?? '') > mostOfCredentials * 1024) {
    p.invalid(at, credentials, `gmsaCredentialSpec size must be under ${mostOfCredentials} KiB`);
  }
  if (user === undefined) return;
  for (const why of userProblems(user)) p.invalid(`${path}.runAsUserName`, user, `runAsUserName${why}`);
}
