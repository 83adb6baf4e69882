import type { Host } from '../cloud-config/host.ts';
import { readOsRelease } from '../cloud-config/os-release.ts';
import { KnarrError } from '../src/base/errors.ts';
import type { UpdateArch } from './update/manifest.ts';

/** What runs here, as its os-release says. */
export interface Release {
  readonly version: string;
  readonly flavour: string | undefined;
  readonly arch: UpdateArch;
}

export async function readRelease(host: Host): Promise<Release> {
  const field = await readOsRelease(host);
  const version = field('VERSION_ID');
  if (field('ID') !== 'knarr' || version === undefined)
    throw new KnarrError({
      code: 'not-an-appliance',
      blame: 'user',
      message:
        'this machine does not run Knarr’s image: upgrade its own distribution, and the daemon as it was put there',
    });
  return { version, flavour: field('VARIANT_ID'), arch: process.arch === 'arm64' ? 'arm64' : 'amd64' };
}
