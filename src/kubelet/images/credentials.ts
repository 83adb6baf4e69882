import type { Secret } from '../../api/gen/core-v1.ts';
import type { AuthConfig } from '../../cri/types.ts';
import { repositoryOf } from './reference.ts';

interface DockerEntry {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

function entriesOf(secret: Secret): [string, DockerEntry][] {
  try {
    if (secret.type === 'kubernetes.io/dockerconfigjson')
      return Object.entries(JSON.parse(decode(secret.data?.['.dockerconfigjson'])).auths ?? {});
    if (secret.type === 'kubernetes.io/dockercfg')
      return Object.entries(JSON.parse(decode(secret.data?.['.dockercfg'])));
  } catch {
    // A secret that cannot be read gives no credentials; the pull then says what the registry says.
  }
  return [];
}

/** `https://index.docker.io/v1/` and the like, as a prefix of repositories; a `*` stands for one label of the host. */
function patternOf(key: string): { host: RegExp; path: string } {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  const named = bare === 'index.docker.io' || bare === 'registry-1.docker.io' ? 'docker.io' : bare;
  const slash = named.indexOf('/');
  const host = slash === -1 ? named : named.slice(0, slash);
  const escaped = host.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^.]*');
  return { host: new RegExp(`^${escaped}$`), path: slash === -1 ? '' : named.slice(slash) };
}

/** What fits the image, the most specific first. */
export function credentialsFor(image: string, secrets: readonly Secret[]): AuthConfig[] {
  const repository = repositoryOf(image);
  const slash = repository.indexOf('/');
  const host = repository.slice(0, slash);
  const path = repository.slice(slash);
  const found = secrets.flatMap(entriesOf).flatMap(([key, entry]) => {
    const pattern = patternOf(key);
    const fits =
      pattern.host.test(host) && (path === pattern.path || path.startsWith(`${pattern.path}/`) || pattern.path === '');
    return fits ? [{ weight: pattern.path.length, key, entry }] : [];
  });
  found.sort((a, b) => b.weight - a.weight);
  return found.map(({ key, entry }) => {
    const plain = entry.auth ? decode(entry.auth) : '';
    const colon = plain.indexOf(':');
    return {
      username: entry.username ?? plain.slice(0, Math.max(0, colon)),
      password: entry.password ?? plain.slice(colon + 1),
      serverAddress: key,
      ...(entry.identitytoken ? { identityToken: entry.identitytoken } : {}),
      ...(entry.registrytoken ? { registryToken: entry.registrytoken } : {}),
    };
  });
}
