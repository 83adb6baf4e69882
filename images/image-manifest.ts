import { createPublicKey, verify } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestBytes, signManifest } from '../os/update/manifest.ts';
import { KnarrError, messageOf } from '../src/base/errors.ts';
import { sha256OfFile } from './apt.ts';
import type { Flavour } from './packages.ts';
import type { Arch } from './tools/paths.ts';

/** What stands beside an image as `<name>.manifest.json`, signed as updates are. */
export interface ImageManifest {
  format: 'knarr-image/1';
  name: string;
  target: string;
  version: string;
  arch: Arch;
  flavour: Flavour;
  kubernetes: string;
  /** Seconds since 1970. */
  builtAt: number;
  rootHash: string;
  files: { name: string; size: number; sha256: string }[];
}

const suffix = '.manifest.json';
export const imageManifestName = (name: string): string => `${name}${suffix}`;

/** The manifest's bytes and its signature, for files that lie in `folder`. */
export async function signImage(
  folder: string,
  facts: Omit<ImageManifest, 'format' | 'files'>,
  names: readonly string[],
  privateKey: string,
): Promise<{ bytes: Buffer; signature: string }> {
  const files: ImageManifest['files'] = [];
  for (const name of names) {
    const path = join(folder, name);
    files.push({ name, size: (await stat(path)).size, sha256: await sha256OfFile(path) });
  }
  const manifest: ImageManifest = { format: 'knarr-image/1', ...facts, files };
  const bytes = manifestBytes(manifest);
  return { bytes, signature: signManifest(bytes, privateKey) };
}

const wrong = (message: string): KnarrError => new KnarrError({ code: 'image-verify', blame: 'world', message });

/**
 * Checks every image of a folder against its manifest, and the manifests against a public key (PEM); gives the names of
 * the files that are right. Throws KnarrError `image-verify` at the first that is not.
 */
export async function verifyImages(folder: string, publicKey: string): Promise<string[]> {
  const all = await readdir(folder).catch((error: unknown) => {
    throw wrong(`${folder}: ${messageOf(error)}`);
  });
  const manifests = all.filter((name) => name.endsWith(suffix)).sort();
  if (manifests.length === 0) throw wrong(`${folder} has no image with a manifest (*${suffix})`);
  const right: string[] = [];
  for (const name of manifests) {
    const path = join(folder, name);
    const bytes = await readFile(path);
    const signature = await readFile(`${path}.sig`, 'utf8').catch(() => {
      throw wrong(`${path} has no signature (${name}.sig)`);
    });
    if (!verify(null, bytes, createPublicKey(publicKey), Buffer.from(signature.trim(), 'base64')))
      throw wrong(`${path} is not signed with this key`);
    for (const file of (JSON.parse(bytes.toString()) as ImageManifest).files) {
      const target = join(folder, file.name);
      const digest = await sha256OfFile(target).catch((error: unknown) => {
        throw wrong(messageOf(error));
      });
      if (digest !== file.sha256) throw wrong(`${target} has digest ${digest}, its manifest says ${file.sha256}`);
      right.push(file.name);
    }
  }
  return right;
}
