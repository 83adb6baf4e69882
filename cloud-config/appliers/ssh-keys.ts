import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';

/** `ssh_authorized_keys`: who may log in as rancher. */
export const sshKeys: Applier = {
  key: 'ssh_authorized_keys',
  async apply(config, host) {
    const given = config.ssh_authorized_keys ?? [];
    const remote = given.filter((key) => /^\w+:/.test(key));
    const keys = given.filter((key) => !remote.includes(key));
    if (keys.length > 0) await writeFileAtomic(host.path('/run/knarr/ssh/rancher'), `${keys.join('\n')}\n`);
    if (remote.length > 0)
      throw new KnarrError({
        code: 'ssh-keys',
        blame: 'user',
        message: `keys are not fetched from elsewhere (${remote.join(', ')}): write the keys themselves`,
      });
  },
};
