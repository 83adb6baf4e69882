import { parse } from 'yaml';
import { KnarrError, messageOf } from '../../base/errors.ts';

/** A provider of an EncryptionConfiguration, checked: keys are bytes. */
export type Provider =
  | { readonly kind: 'aescbc' | 'aesgcm' | 'secretbox'; readonly keys: readonly { name: string; secret: Buffer }[] }
  | { readonly kind: 'kms'; readonly name: string; readonly socket: string; readonly timeoutMs: number }
  | { readonly kind: 'identity' };

export interface EncryptionConfiguration {
  readonly resources: readonly { readonly resources: readonly string[]; readonly providers: readonly Provider[] }[];
}

interface Given {
  apiVersion?: unknown;
  kind?: unknown;
  resources?: { resources?: unknown; providers?: unknown }[];
}

type GivenProvider = Record<string, Record<string, unknown> | undefined>;

const keySizes = { aescbc: [16, 24, 32], aesgcm: [16, 24, 32], secretbox: [32] } as const;
const kinds = ['aescbc', 'aesgcm', 'secretbox', 'kms', 'identity'] as const;

/**
 * Reads an EncryptionConfiguration (`apiserver.config.k8s.io/v1`), YAML or JSON. Throws KnarrError `encryption-config`
 * with everything that is wrong with it; secrets are never shown.
 */
export function parseEncryptionConfiguration(text: string): EncryptionConfiguration {
  const problems: string[] = [];
  let given: Given = {};
  try {
    given = (parse(text) ?? {}) as Given;
  } catch (error) {
    throw invalidConfiguration([messageOf(error)]);
  }
  if (given.kind !== 'EncryptionConfiguration') problems.push('kind: must be EncryptionConfiguration');
  if (given.apiVersion !== 'apiserver.config.k8s.io/v1')
    problems.push('apiVersion: must be apiserver.config.k8s.io/v1');
  const entries = Array.isArray(given.resources) ? given.resources : [];
  if (entries.length === 0) problems.push('resources: at least one resources is required');
  const kmsNames = new Set<string>();
  const resources = entries.map((entry, i) => {
    const path = `resources[${i}]`;
    const names = listOf(entry?.resources).map(String);
    const providers = listOf(entry?.providers) as GivenProvider[];
    if (names.length === 0) problems.push(`${path}.resources: at least one ${path}.resources is required`);
    if (providers.length === 0) problems.push(`${path}.providers: at least one ${path}.providers is required`);
    problems.push(...namesProblems(names, `${path}.resources`));
    const read = providers.map((p, j) => providerOf(p, `${path}.providers[${j}]`, problems));
    for (const provider of read) {
      if (provider?.kind !== 'kms') continue;
      if (kmsNames.has(provider.name))
        problems.push(`${path}: duplicate KMS provider name ${provider.name}, names must be unique`);
      kmsNames.add(provider.name);
    }
    return { resources: names, providers: read.filter((p) => p !== undefined) };
  });
  if (problems.length > 0) throw invalidConfiguration(problems);
  return { resources };
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function namesProblems(names: readonly string[], path: string): string[] {
  const problems: string[] = [];
  const group = (name: string): string => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : '');
  names.forEach((name, i) => {
    const at = `${path}[${i}]: Invalid value: ${JSON.stringify(name)}`;
    if (/[A-Z]/.test(name)) problems.push(`${at}: resource name should not contain capital letters`);
    else if (name === '*')
      problems.push(`${at}: use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources`);
    else if (group(name) === 'events.k8s.io')
      problems.push(
        `${at}: '*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file`,
      );
    else if (group(name) === 'extensions')
      problems.push(`${at}: 'extensions' group has been removed and cannot be used for encryption`);
    else if (group(name) === '*' && !name.startsWith('*.'))
      problems.push(`${at}: encrypting the same resource across groups is not supported`);
  });
  if (new Set(names).size < names.length)
    problems.push(`${path}: the same resource cannot be specified multiple times`);
  const masked = names.some((name) =>
    names.some(
      (other) => other !== name && (name === '*.*' || (name.startsWith('*.') && group(other) === group(name))),
    ),
  );
  if (masked)
    problems.push(
      `${path}: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked`,
    );
  return problems;
}

function providerOf(given: GivenProvider, path: string, problems: string[]): Provider | undefined {
  const said = kinds.filter((kind) => given?.[kind] !== undefined && given[kind] !== null);
  const [kind] = said;
  if (kind === undefined) {
    problems.push(
      `${path}: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`,
    );
    return undefined;
  }
  if (said.length > 1) {
    problems.push(
      `${path}: more than one provider specified in a single element, should split into different list elements`,
    );
    return undefined;
  }
  const body = given[kind] ?? {};
  if (kind === 'identity') return { kind };
  return kind === 'kms' ? kmsOf(body, `${path}.kms`, problems) : keysOf(kind, body, `${path}.${kind}.keys`, problems);
}

function keysOf(
  kind: 'aescbc' | 'aesgcm' | 'secretbox',
  body: Record<string, unknown>,
  path: string,
  problems: string[],
): Provider {
  const given = listOf(body.keys) as { name?: unknown; secret?: unknown }[];
  if (given.length === 0) problems.push(`${path}: at least one keys is required`);
  const keys = given.map(({ name, secret }, i) => {
    if (!name) problems.push(`${path}[${i}].name: name is a mandatory field for a key`);
    const text = typeof secret === 'string' ? secret : '';
    const bytes = Buffer.from(text, 'base64');
    const sizes: readonly number[] = keySizes[kind];
    if (text === '') problems.push(`${path}[${i}].secret: secret is a mandatory field for a key`);
    else if (bytes.toString('base64') !== text) problems.push(`${path}[${i}].secret: secrets must be base64 encoded`);
    else if (!sizes.includes(bytes.length))
      problems.push(
        `${path}[${i}].secret: secret is not of the expected length, got ${bytes.length}, expected one of [${sizes.join(' ')}]`,
      );
    return { name: String(name), secret: bytes };
  });
  if (new Set(keys.map((k) => k.name)).size < keys.length) problems.push(`${path}: two keys have the same name`);
  return { kind, keys };
}

function kmsOf(body: Record<string, unknown>, path: string, problems: string[]): Provider {
  const name = String(body.name ?? '');
  const endpoint = String(body.endpoint ?? '');
  if (name === '') problems.push(`${path}.name: name is a mandatory field for a kms`);
  if (name.includes(':')) problems.push(`${path}.name: invalid KMS provider name ${name}, must not contain ':'`);
  if (body.apiVersion !== 'v2')
    problems.push(
      `${path}.apiVersion: unsupported apiVersion ${String(body.apiVersion ?? 'v1')} for KMS provider, only v2 is supported`,
    );
  if (!endpoint.startsWith('unix://'))
    problems.push(`${path}.endpoint: unsupported scheme for KMS provider, only unix is supported`);
  const timeoutMs = durationMs(body.timeout ?? '3s');
  if (timeoutMs === undefined) problems.push(`${path}.timeout: timeout should be a positive value`);
  if (body.cachesize !== undefined && body.cachesize !== null)
    problems.push(`${path}.cachesize: cachesize is not supported in v2`);
  return { kind: 'kms', name, socket: endpoint.slice('unix://'.length), timeoutMs: timeoutMs ?? 0 };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function durationMs(value: unknown): number | undefined {
  const text = String(value);
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/([\d.]+)(ms|s|m|h)/g);
  const result = [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
  return result > 0 ? result : undefined;
}

function invalidConfiguration(problems: readonly string[]): KnarrError {
  const message = `The encryption configuration cannot be used: ${problems.join('; ')}`;
  return new KnarrError({ code: 'encryption-config', blame: 'user', message, details: { problems } });
}
