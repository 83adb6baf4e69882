import { KnarrError } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';

/** `k3os.install`: read for the installer, which this image does not have yet; so that nobody waits for it. */
export const install: Applier = {
  key: 'k3os.install',
  phases: ['boot'],
  async apply({ k3os }) {
    const device = k3os?.install?.device;
    if (k3os?.install === undefined) return;
    throw new KnarrError({
      code: 'install',
      blame: 'user',
      message: `nothing is installed${device === undefined ? '' : ` on ${device}`}: this image has no installer yet; the machine runs from the disk that it was booted from`,
    });
  },
};
