import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError, messageOf, systemCode } from '../../src/base/errors.ts';

/** The form of `manifest.json` that this version writes and reads. */
export const updateFormat = 'knarr-update/1';
export const manifestName = 'manifest.json';
export const signatureName = 'manifest.json.sig';

/** Where the keys are that an update may be signed with: those of the image, and those that the user added. */
export const keyFolders = ['/usr/lib/knarr/update-keys', '/var/lib/knarr/update-keys'] as const;

export type FileRole = 'root' | 'uki';
export type UpdateArch = 'amd64' | 'arm64';

/** One file of an update, beside its manifest. */
export interface UpdateFile {
  readonly role: FileRole;
  /** A plain name, without a folder. */
  readonly name: string;
  readonly size: number;
  /** Hexadecimal, small letters. */
  readonly sha256: string;
}

/** What an update is: the content of a slot's partition and the unified kernel image that boots it. */
export interface UpdateManifest {
  readonly format: typeof updateFormat;
  /** As in a partition's label and a boot entry's name: letters, digits, `.`, `-`, `~`. */
  readonly version: string;
  readonly arch: UpdateArch;
  /** The kind of machine that it is made for, as VARIANT_ID of its os-release. */
  readonly flavour?: string;
  /** The version of Kubernetes inside: `v1.36.3`. */
  readonly kubernetes: string;
  /** Seconds since 1970 (SOURCE_DATE_EPOCH). */
  readonly builtAt: number;
  /** Of dm-verity, hexadecimal. */
  readonly rootHash: string;
  /** The slot's partition UUID: the first 128 bits of the root hash. */
  readonly partition: string;
  readonly files: readonly UpdateFile[];
}

const refuse = (message: string, code = 'update-manifest'): KnarrError =>
  new KnarrError({ code, blame: 'user', message });

/** The first 128 bits of a hash in the form of a UUID. */
export function partitionUuid(hash: string): string {
  const [, a, b, c, d, e] = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(hash.toLowerCase()) ?? [];
  if (e === undefined) throw refuse(`${JSON.stringify(hash)} is no root hash`);
  return [a, b, c, d, e].join('-');
}

/** Partition labels hold 36 characters, `knarr_` among them; boot entries count with `+` and separate with `_`. */
export const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.~-]{0,28}$/;

const fields: Readonly<Record<Exclude<keyof UpdateManifest, 'files'>, (value: unknown) => boolean>> = {
  format: (value) => value === updateFormat,
  version: (value) => typeof value === 'string' && versionPattern.test(value),
  arch: (value) => value === 'amd64' || value === 'arm64',
  flavour: (value) => value === undefined || (typeof value === 'string' && /^[a-z0-9-]+$/.test(value)),
  kubernetes: (value) => typeof value === 'string' && /^v\d+\.\d+\.\d+/.test(value),
  builtAt: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  rootHash: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  partition: (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
};

function checkFile(file: Partial<UpdateFile>): void {
  const good =
    (file.role === 'root' || file.role === 'uki') &&
    typeof file.name === 'string' &&
    /^[A-Za-z0-9][\w.+~-]*$/.test(file.name) &&
    Number.isSafeInteger(file.size) &&
    (file.size ?? 0) > 0 &&
    /^[0-9a-f]{64}$/.test(String(file.sha256));
  if (!good) throw refuse(`the update's manifest names a file that cannot be: ${JSON.stringify(file)}`);
}

/** Reads a manifest's bytes. Throws KnarrError `update-manifest` for what is none, or of a form that is not known. */
export function parseManifest(bytes: Uint8Array): UpdateManifest {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch (error) {
    throw refuse(`the update's manifest cannot be read: ${messageOf(error)}`);
  }
  for (const [name, good] of Object.entries(fields))
    if (!good(value?.[name]))
      throw refuse(`the update's manifest has ${name} ${JSON.stringify(value?.[name])}, which this version cannot use`);
  const files = Array.isArray(value.files) ? (value.files as Partial<UpdateFile>[]) : [];
  for (const file of files) checkFile(file ?? {});
  for (const role of ['root', 'uki'] as const)
    if (files.filter((file) => file.role === role).length !== 1)
      throw refuse(`the update's manifest must name one file of role ${role}`);
  const manifest = value as unknown as UpdateManifest;
  if (manifest.partition !== partitionUuid(manifest.rootHash))
    throw refuse('the update’s partition is not the first half of its root hash');
  return manifest;
}

export const fileOf = (manifest: UpdateManifest, role: FileRole): UpdateFile => {
  const found = manifest.files.find((file) => file.role === role);
  if (found === undefined) throw refuse(`the update has no file of role ${role}`);
  return found;
};

/** The bytes of a manifest (a version's, a daemon's, an image's) that are signed and written; of the same one the same. */
export const manifestBytes = (manifest: object): Buffer => Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);

/** The content of `manifest.json.sig`: ed25519 over the manifest's bytes, base64. `key`: PKCS#8 PEM. */
export const signManifest = (bytes: Uint8Array, key: string): string =>
  `${sign(null, bytes, key).toString('base64')}\n`;

export interface UpdateKey {
  /** The file that it came from. */
  readonly name: string;
  readonly pem: string;
}

/** All public keys (`*.pem`) of some folders; a folder may be missing. */
export async function readUpdateKeys(folders: readonly string[] = keyFolders): Promise<UpdateKey[]> {
  const keys: UpdateKey[] = [];
  for (const folder of folders) {
    const names = await readdir(folder).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    });
    for (const name of names.filter((n) => n.endsWith('.pem')).sort()) {
      const path = join(folder, name);
      keys.push({ name: path, pem: await readFile(path, 'utf8') });
    }
  }
  return keys;
}

/** The key that signed some bytes. Throws KnarrError `update-signature` when no key fits, or none is there. */
export function signerOf(bytes: Uint8Array, signature: string, keys: readonly UpdateKey[]): UpdateKey {
  const raw = Buffer.from(signature.trim(), 'base64');
  const key = keys.find(({ name, pem }) => {
    try {
      const publicKey = createPublicKey(pem);
      return publicKey.asymmetricKeyType === 'ed25519' && verify(null, bytes, publicKey, raw);
    } catch (error) {
      throw refuse(`the update key ${name} cannot be read: ${messageOf(error)}`, 'update-signature');
    }
  });
  if (key === undefined)
    throw refuse(
      keys.length === 0
        ? 'there is no key to check an update with: put its public key (PEM) into /var/lib/knarr/update-keys'
        : `the update is not signed with any of the ${keys.length} keys that this machine trusts; if you trust its maker, put its public key (PEM) into /var/lib/knarr/update-keys`,
      'update-signature',
    );
  return key;
}

/** Checks a manifest's signature (see `signerOf`), and reads it only then. */
export function verifyManifest(
  bytes: Uint8Array,
  signature: string,
  keys: readonly UpdateKey[],
): { manifest: UpdateManifest; key: UpdateKey } {
  const key = signerOf(bytes, signature, keys);
  return { manifest: parseManifest(bytes), key };
}

/**
 * Throws KnarrError `update-digest` unless the `file.size` bytes of `path` (a file, a partition, a disk) from `start` on
 * are the file.
 */
export async function verifyFile(path: string, file: UpdateFile, start = 0): Promise<void> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path, { start, end: start + file.size - 1, highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  if (size !== file.size || hash.digest('hex') !== file.sha256)
    throw new KnarrError({
      code: 'update-digest',
      blame: 'world',
      message: `${path} is not the update's ${file.name}: its size or its digest differs`,
    });
}
