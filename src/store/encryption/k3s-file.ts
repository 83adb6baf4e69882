import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { systemCode } from '../../base/errors.ts';
import { type EncryptionConfiguration, parseEncryptionConfiguration } from './configuration.ts';

export type KeyKind = 'aescbc' | 'secretbox';

/** The configuration as K3s keeps it in `server/cred/encryption-config.json`: Secrets alone, one kind of key. */
interface File {
  kind: 'EncryptionConfiguration';
  apiVersion: 'apiserver.config.k8s.io/v1';
  resources: [{ resources: ['secrets']; providers: Record<string, { keys?: Key[] }>[] }];
}

interface Key {
  name: string;
  secret: string;
}

/**
 * Reads the file; `create` (`--secrets-encryption`) makes one with a new key when there is none. Undefined: Secrets were
 * never encrypted here. A file that is there counts, whatever the flags say: it may hold the only keys.
 */
export async function readK3sEncryption(
  path: string,
  options: { create: boolean; keyKind?: KeyKind },
): Promise<EncryptionConfiguration | undefined> {
  try {
    return parseEncryptionConfiguration(await readFile(path, 'utf8'));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  if (!options.create) return undefined;
  const kind = options.keyKind ?? 'aescbc';
  const text = fileOf([{ [kind]: { keys: [newKey(`${kind}key`)] } }, { identity: {} }]);
  await writeFileAtomic(path, text, { mode: 0o600 });
  return parseEncryptionConfiguration(text);
}

/**
 * Puts a new key first, keeping the others for reading (as `secrets-encrypt rotate-keys` does): after `reload` every
 * Secret has to be written once, then `dropOldKeys` may take the others out.
 */
export async function addK3sKey(path: string, now = new Date()): Promise<EncryptionConfiguration> {
  return change(path, (kind, keys) => [
    newKey(
      `${kind}key-${now
        .toISOString()
        .replace(/\.\d+Z$/, 'Z')
        .replaceAll(':', '-')}`,
    ),
    ...keys,
  ]);
}

/** Keeps only the key that writes. What is still stored with another cannot be read any more. */
export const dropOldK3sKeys = (path: string): Promise<EncryptionConfiguration> =>
  change(path, (_kind, keys) => keys.slice(0, 1));

/** New values encrypted or not; what is stored stays readable either way. */
export async function switchK3sEncryption(path: string, on: boolean): Promise<EncryptionConfiguration> {
  const { providers } = await parsed(path);
  const sealing = providers.filter((p) => !('identity' in p));
  return replace(path, on ? [...sealing, { identity: {} }] : [{ identity: {} }, ...sealing]);
}

async function change(path: string, keys: (kind: KeyKind, before: readonly Key[]) => Key[]) {
  const { providers } = await parsed(path);
  return replace(
    path,
    providers.map((provider) => {
      const [kind] = Object.keys(provider);
      if (kind !== 'aescbc' && kind !== 'secretbox') return provider;
      return { [kind]: { keys: keys(kind, provider[kind]?.keys ?? []) } };
    }),
  );
}

async function parsed(path: string): Promise<File['resources'][0]> {
  const text = await readFile(path, 'utf8');
  parseEncryptionConfiguration(text);
  return (JSON.parse(text) as File).resources[0];
}

async function replace(path: string, providers: File['resources'][0]['providers']): Promise<EncryptionConfiguration> {
  const text = fileOf(providers);
  const configuration = parseEncryptionConfiguration(text);
  await writeFileAtomic(path, text, { mode: 0o600 });
  return configuration;
}

const newKey = (name: string): Key => ({ name, secret: randomBytes(32).toString('base64') });

const fileOf = (providers: File['resources'][0]['providers']): string =>
  `${JSON.stringify({
    kind: 'EncryptionConfiguration',
    apiVersion: 'apiserver.config.k8s.io/v1',
    resources: [{ resources: ['secrets'], providers }],
  } satisfies File)}\n`;
