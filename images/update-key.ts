import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { manifestBytes, manifestName, signatureName, signManifest } from '../os/update/manifest.ts';
import { writeFileAtomic } from '../src/base/atomic-file.ts';
import { KnarrError, messageOf, systemCode } from '../src/base/errors.ts';

/** The key by which a user's machines know their updates: ed25519, PEM. */
export interface UpdateSigner {
  /** Where it is. */
  path: string;
  privateKey: string;
  /** What images carry. */
  publicKey: string;
}

/** `$KNARR_UPDATE_KEY`, else a file in the user's folder of settings. */
export function defaultKeyPath(env: NodeJS.ProcessEnv = process.env): string {
  return env.KNARR_UPDATE_KEY ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'knarr/update-key.pem');
}

/**
 * Reads the key at `path`; without one, the user's own, which is made when first needed. Whoever has the file can make
 * updates that every machine of these images takes, so it never lies in the clone.
 */
export async function updateSigner(path?: string): Promise<UpdateSigner> {
  const file = path ?? defaultKeyPath();
  let privateKey: string;
  try {
    privateKey = await readFile(file, 'utf8');
  } catch (error) {
    if (path !== undefined || systemCode(error) !== 'ENOENT')
      throw new KnarrError({ code: 'update-key', blame: 'user', message: `the key for updates: ${messageOf(error)}` });
    privateKey = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }).privateKey;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, privateKey, { mode: 0o600 });
  }
  return { path: file, privateKey, publicKey: publicKeyOf(file, privateKey) };
}

function publicKeyOf(file: string, privateKey: string): string {
  const refuse = (why: string): never => {
    throw new KnarrError({
      code: 'update-key',
      blame: 'user',
      message: `${file} is no ed25519 key in PEM form (${why}); openssl genpkey -algorithm ed25519 makes one`,
    });
  };
  try {
    const key = createPublicKey(privateKey);
    if (key.asymmetricKeyType !== 'ed25519') return refuse(`it is ${key.asymmetricKeyType}`);
    return key.export({ type: 'spki', format: 'pem' }) as string;
  } catch (error) {
    return refuse(messageOf(error));
  }
}

/** Writes an update's manifest and the signature of it into its folder. */
export async function writeSigned(folder: string, manifest: object, signer: UpdateSigner): Promise<void> {
  const bytes = manifestBytes(manifest);
  await writeFile(join(folder, manifestName), bytes);
  await writeFile(join(folder, signatureName), signManifest(bytes, signer.privateKey));
}
