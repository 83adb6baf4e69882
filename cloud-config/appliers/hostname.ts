import { readFile, writeFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** `hostname`; a machine without one is called after its machine id, so that two never share a name. */
export const hostname: Applier = {
  key: 'hostname',
  phases: ['initrd', 'boot', 'runtime'],
  async apply(config, host) {
    const id = (await readFile(host.path('/etc/machine-id'), 'utf8').catch(() => '')).trim();
    const fallback = `knarr-${id.slice(0, 6) || 'node'}`;
    const given = config.hostname?.toLowerCase();
    const valid =
      given?.length !== undefined && given.length <= 253 && given.split('.').every((part) => label.test(part));
    const name = given !== undefined && valid ? given : fallback;
    await writeFileAtomic(host.path('/etc/hostname'), `${name}\n`);
    await writeFile(host.path('/proc/sys/kernel/hostname'), name);
    const short = name.split('.')[0];
    const hosts = await readFile(host.path('/etc/hosts'), 'utf8').catch(() => '');
    const others = hosts.split('\n').filter((line) => line !== '' && !line.startsWith('127.0.1.1'));
    await writeFileAtomic(
      host.path('/etc/hosts'),
      `${[...others, `127.0.1.1\t${name}${short === name ? '' : ` ${short}`}`].join('\n')}\n`,
    );
    if (given !== undefined && !valid)
      throw new KnarrError({
        code: 'hostname',
        blame: 'user',
        message: `${JSON.stringify(given)} is no host name (letters, digits and - between them); using ${fallback}`,
      });
  },
};
