import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { KnarrError, systemCode } from '../../base/errors.ts';
import { type EncryptionConfiguration, parseEncryptionConfiguration } from './configuration.ts';

export const keyKinds = ['aescbc', 'secretbox'] as const;
export type KeyKind = (typeof keyKinds)[number];

export interface Key {
  readonly name: string;
  readonly secret: string;
}

/**
 * What K3s keeps in `server/cred/encryption-config.json`: keys of Secrets alone. The first key of `kind` seals where
 * `enabled`; all others open.
 */
export interface K3sEncryption {
  readonly enabled: boolean;
  readonly kind: KeyKind;
  readonly keys: Readonly<Record<KeyKind, readonly Key[]>>;
}

type GivenProvider = Partial<Record<KeyKind, { keys?: Key[] }>> & { identity?: object };

/** Undefined: Secrets were never encrypted here. */
export async function readK3sFile(path: string): Promise<K3sEncryption | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  parseEncryptionConfiguration(text);
  const { resources } = JSON.parse(text) as { resources: { resources: string[]; providers: GivenProvider[] }[] };
  const [first, ...more] = resources;
  if (!first || more.length > 0 || first.resources.join() !== 'secrets')
    throw new KnarrError({
      code: 'encryption-config',
      blame: 'user',
      message: `${path} encrypts more than Secrets: give it by --kube-apiserver-arg=encryption-provider-config instead`,
    });
  const { providers } = first;
  const keysOf = (kind: KeyKind): readonly Key[] => providers.flatMap((provider) => provider[kind]?.keys ?? []);
  const kind = providers.flatMap((provider) => keyKinds.filter((one) => provider[one] !== undefined))[0];
  return {
    enabled: providers[0]?.identity === undefined,
    kind: kind ?? 'aescbc',
    keys: { aescbc: keysOf('aescbc'), secretbox: keysOf('secretbox') },
  };
}

const others = (kind: KeyKind): readonly KeyKind[] => keyKinds.filter((one) => one !== kind);

function fileOf({ enabled, kind, keys }: K3sEncryption): string {
  const sealing = [kind, ...others(kind)].flatMap((one): GivenProvider[] =>
    keys[one].length > 0 ? [{ [one]: { keys: [...keys[one]] } }] : [],
  );
  const identity: GivenProvider = { identity: {} };
  return `${JSON.stringify({
    kind: 'EncryptionConfiguration',
    apiVersion: 'apiserver.config.k8s.io/v1',
    resources: [{ resources: ['secrets'], providers: enabled ? [...sealing, identity] : [identity, ...sealing] }],
  })}\n`;
}

export const configurationOf = (encryption: K3sEncryption): EncryptionConfiguration =>
  parseEncryptionConfiguration(fileOf(encryption));

/** For the owner alone: it holds the keys. */
export const writeK3sFile = (path: string, encryption: K3sEncryption): Promise<void> =>
  writeFileAtomic(path, fileOf(encryption), { mode: 0o600 });

const newKey = (name: string): Key => ({ name, secret: randomBytes(32).toString('base64') });

export const firstK3sKeys = (kind: KeyKind): K3sEncryption => ({
  enabled: true,
  kind,
  keys: { aescbc: [], secretbox: [], [kind]: [newKey(`${kind}key`)] },
});

/** A further key of that kind, which opens but does not seal yet. */
export function withNewKey(encryption: K3sEncryption, kind: KeyKind, now = new Date()): K3sEncryption {
  const name = `${kind}key-${now.toISOString().replace(/\.\d+Z$/, 'Z')}`;
  return { ...encryption, keys: { ...encryption.keys, [kind]: [...encryption.keys[kind], newKey(name)] } };
}

/** The last key of a kind becomes the one that seals. */
export function withLastKeyFirst(encryption: K3sEncryption, kind: KeyKind): K3sEncryption {
  const keys = encryption.keys[kind];
  const last = keys.at(-1);
  return {
    enabled: true,
    kind,
    keys: { ...encryption.keys, [kind]: last === undefined ? [] : [last, ...keys.slice(0, -1)] },
  };
}

/** Only the key that seals. What is still stored with another cannot be read any more. */
export const withoutOldKeys = ({ enabled, kind, keys }: K3sEncryption): K3sEncryption => ({
  enabled,
  kind,
  keys: { aescbc: [], secretbox: [], [kind]: keys[kind].slice(0, 1) },
});
