import { access, rm, symlink } from 'node:fs/promises';
import { KnarrError } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';

/** `timezone`. */
export const timezone: Applier = {
  key: 'timezone',
  phases: ['initrd', 'boot', 'runtime'],
  async apply({ timezone }, host) {
    if (timezone === undefined) return;
    const zone = `/usr/share/zoneinfo/${timezone}`;
    if (timezone !== 'UTC')
      await access(host.path(zone)).catch(() => {
        throw new KnarrError({
          code: 'timezone',
          blame: 'user',
          message: `this image knows no zone ${JSON.stringify(timezone)}: is it an old name, which the package tzdata-legacy has?`,
        });
      });
    await rm(host.path('/etc/localtime'), { force: true });
    await symlink(`..${zone}`, host.path('/etc/localtime'));
  },
};
