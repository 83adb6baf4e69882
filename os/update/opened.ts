import {
  type FileRole,
  fileOf,
  manifestName,
  readUpdateKeys,
  signatureName,
  type UpdateKey,
  type UpdateManifest,
  verifyManifest,
} from './manifest.ts';
import { type OpenOptions, openSource } from './sources/open.ts';
import { readSmall } from './sources/source.ts';

/** An update whose signature is good. Its files are still to be checked, by size and digest. */
export interface OpenedUpdate {
  readonly from: string;
  readonly manifest: UpdateManifest;
  /** The manifest as it was signed, and its signature. */
  readonly signed: { readonly bytes: Buffer; readonly signature: string };
  readonly key: UpdateKey;
  open(role: FileRole): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Opens an update and believes nothing of it before its signature is checked. */
export async function openUpdate(
  from: string,
  options: OpenOptions & { keyFolders?: readonly string[] },
): Promise<OpenedUpdate> {
  const source = await openSource(from, options);
  try {
    const bytes = await readSmall(source, manifestName);
    const signature = (await readSmall(source, signatureName)).toString();
    const { manifest, key } = verifyManifest(bytes, signature, await readUpdateKeys(options.keyFolders));
    return {
      from: source.name,
      manifest,
      signed: { bytes, signature },
      key,
      open: (role) => source.open(fileOf(manifest, role).name),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}
