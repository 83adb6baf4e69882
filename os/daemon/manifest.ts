import { KnarrError, messageOf } from '../../src/base/errors.ts';
import { type UpdateArch, versionPattern } from '../update/manifest.ts';

export const daemonFormat = 'knarr-daemon/1';
export const daemonArchive = 'daemon.tar';

/** An update of the daemon alone: `manifest.json` with its signature, and the bundle as one archive. */
export interface DaemonManifest {
  readonly format: typeof daemonFormat;
  readonly version: string;
  readonly arch: UpdateArch;
  readonly kubernetes: string;
  readonly builtAt: number;
  readonly files: readonly [{ role: 'daemon'; name: typeof daemonArchive; size: number; sha256: string }];
}

const refuse = (message: string): KnarrError => new KnarrError({ code: 'update-manifest', blame: 'user', message });

/** Reads bytes whose signature was checked. Throws KnarrError `update-manifest`. */
export function parseDaemonManifest(bytes: Uint8Array): DaemonManifest {
  let value: Partial<DaemonManifest>;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw refuse(`the update's manifest cannot be read: ${messageOf(error)}`);
  }
  if (value.format !== daemonFormat)
    throw refuse(
      `this is no update of the daemon (${String(value.format)}): leave --daemon out to upgrade the machine`,
    );
  const file = value.files?.[0];
  const good =
    versionPattern.test(String(value.version)) &&
    (value.arch === 'amd64' || value.arch === 'arm64') &&
    value.files?.length === 1 &&
    file?.role === 'daemon' &&
    file.name === daemonArchive &&
    Number.isSafeInteger(file.size) &&
    /^[0-9a-f]{64}$/.test(String(file.sha256));
  if (!good) throw refuse('the manifest of the daemon’s update says what cannot be');
  return value as DaemonManifest;
}
