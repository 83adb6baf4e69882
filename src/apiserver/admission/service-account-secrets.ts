import type { Container, PodSpec, ServiceAccount } from '../../api/gen/core-v1.ts';

const annotation = 'kubernetes.io/enforce-mountable-secrets';

/** Whether pods of the account may use the secrets alone that it names. */
export const isLimited = ({ metadata }: ServiceAccount): boolean =>
  /^(1|t|T|TRUE|true|True)$/.test(metadata?.annotations?.[annotation] ?? '');

const notAllowed = (what: string, { metadata }: ServiceAccount, list = 'secret'): string =>
  `${what} is not allowed because service account ${metadata?.name} does not reference that ${list}`;

function ofContainers(what: string, containers: readonly Container[], account: ServiceAccount): string | undefined {
  const known = new Set(account.secrets?.map(({ name }) => name));
  for (const { name, env = [], envFrom = [] } of containers) {
    for (const { name: variable, valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef?.name;
      if (secret !== undefined && !known.has(secret))
        return notAllowed(`${what} ${name} with envVar ${variable} referencing secret.secretName="${secret}"`, account);
    }
    for (const { secretRef } of envFrom) {
      const secret = secretRef?.name;
      if (secret !== undefined && !known.has(secret))
        return notAllowed(`${what} ${name} with envFrom referencing secret.secretName="${secret}"`, account);
    }
  }
  return undefined;
}

/** The first secret that a pod uses and its account does not name. */
export function secretProblem(spec: PodSpec, account: ServiceAccount): string | undefined {
  const known = new Set(account.secrets?.map(({ name }) => name));
  for (const { secret } of spec.volumes ?? [])
    if (secret && !known.has(secret.secretName))
      return notAllowed(`volume with secret.secretName="${secret.secretName}"`, account);
  const found =
    ofContainers('init container', spec.initContainers ?? [], account) ??
    ofContainers('container', spec.containers, account);
  if (found !== undefined) return found;
  const pulls = new Set(account.imagePullSecrets?.map(({ name }) => name));
  for (const [i, { name }] of (spec.imagePullSecrets ?? []).entries())
    if (!pulls.has(name)) return notAllowed(`imagePullSecrets[${i}].name="${name}"`, account, 'imagePullSecret');
  return undefined;
}

/** The same of containers that came later. */
export const ephemeralProblem = (spec: PodSpec, account: ServiceAccount): string | undefined =>
  ofContainers('ephemeral container', (spec.ephemeralContainers ?? []) as Container[], account);
