import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { type Entries, entriesFolder } from '../boot/entries.ts';
import { manifestName, signatureName } from './manifest.ts';
import type { OpenedUpdate } from './opened.ts';

/** Where the EFI system partition keeps the signed manifest of a version, so that a machine can prove what it runs. */
export const signedFolder = (entries: Entries, version: string): string =>
  join(entries.path('').replace(new RegExp(`${entriesFolder}/?$`), ''), 'knarr', version);

export async function keepSigned(entries: Entries, { manifest, signed }: OpenedUpdate): Promise<void> {
  const folder = signedFolder(entries, manifest.version);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, manifestName), signed.bytes);
  await writeFileAtomic(join(folder, signatureName), signed.signature);
}
