import { readFile, rm, stat } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';
import type { Host } from '../host.ts';
import type { User } from '../schema.ts';

/** The folder of sudo's rules; its own file per user. */
const rules = (name: string): string => `/etc/sudoers.d/60-cloud-config-${name}`;

async function makeUser(user: User, host: Host): Promise<void> {
  const { name, uid, gecos, groups = [], shell = '/bin/bash', sudo = [], passwd, lock_passwd } = user;
  const home = user.homedir ?? `/home/${name}`;
  const known = (await readFile(host.path('/etc/passwd'), 'utf8').catch(() => ''))
    .split('\n')
    .some((line) => line.startsWith(`${name}:`));
  // users are made at every boot: who has files already keeps the number that they belong to
  const number =
    uid ??
    (await stat(host.path(home)).then(
      ({ uid: owner }) => owner || undefined,
      () => undefined,
    ));
  const settings = [
    ...(gecos === undefined ? [] : ['-c', gecos]),
    ...(groups.length === 0 ? [] : [known ? '-aG' : '-G', groups.join(',').replaceAll(/\s/g, '')]),
    ...(passwd === undefined ? [] : ['-p', lock_passwd ? `!${passwd}` : passwd]),
    ...(known && user.shell === undefined ? [] : ['-s', shell]),
  ];
  if (!known)
    await host.run('useradd', [
      '-m',
      '-d',
      home,
      ...(number === undefined ? [] : ['-u', String(number)]),
      ...settings,
      name,
    ]);
  else if (settings.length > 0) await host.run('usermod', [...settings, name]);
  if (sudo.length === 0) await rm(host.path(rules(name)), { force: true });
  else await writeFileAtomic(host.path(rules(name)), sudo.map((rule) => `${name} ${rule}\n`).join(''), { mode: 0o440 });
}

/** `users`: people besides rancher. Their keys are put into place with rancher's. */
export const users: Applier = {
  key: 'users',
  phases: ['boot', 'runtime'],
  async apply({ users = [] }, host) {
    const failures: string[] = [];
    for (const user of users)
      await makeUser(user, host).catch((error: unknown) => failures.push(`${user.name}: ${messageOf(error)}`));
    if (failures.length > 0) throw new KnarrError({ code: 'users', blame: 'user', message: failures.join('; ') });
  },
};
