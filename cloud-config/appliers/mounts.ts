import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';
import type { Host } from '../host.ts';
import type { Mount } from '../schema.ts';

/** The name that systemd's units have for a path. */
export function escapePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const escaped = parts.map((part, index) =>
    [...Buffer.from(part)]
      .map((byte, at) => {
        const letter = String.fromCharCode(byte);
        return /[A-Za-z0-9:_.]/.test(letter) && !(letter === '.' && index === 0 && at === 0)
          ? letter
          : `\\x${byte.toString(16).padStart(2, '0')}`;
      })
      .join(''),
  );
  return escaped.length === 0 ? '-' : escaped.join('-');
}

const tagged: Record<string, string> = { LABEL: 'label', UUID: 'uuid', PARTLABEL: 'partlabel', PARTUUID: 'partuuid' };

/** The path of `LABEL=…` and its like; anything else as it is. */
export function deviceOf(device: string): string {
  const [, kind = '', value = ''] = /^([A-Z]+)=(.+)$/.exec(device) ?? [];
  return tagged[kind] === undefined ? device : `/dev/disk/by-${tagged[kind]}/${value}`;
}

/** The unit that keeps it mounted. A disk that is not there holds no boot up: pods that need it wait, the machine not. */
export function mountUnit({ device, path, type, options }: Mount): string {
  const given = options?.split(',') ?? ['defaults'];
  const all = given.includes('nofail') ? given : [...given, 'nofail'];
  return `[Unit]
Before=knarr.service containerd.service

[Mount]
What=${deviceOf(device)}
Where=${path}
${type === undefined || type === 'auto' ? '' : `Type=${type}\n`}Options=${all.join(',')}
TimeoutSec=30
`;
}

/** Makes the file system that is asked for, where the device has nothing that anybody knows: never over data. */
async function format({ device, format: kind, label }: Mount, host: Host): Promise<void> {
  if (kind === undefined) return;
  const path = deviceOf(device);
  // blkid answers 2 where it finds nothing
  const { code, stdout } = await host.run('blkid', ['-p', '-o', 'export', path], { okCodes: [0, 2] });
  if (code === 0 && stdout.trim() !== '') return;
  const [name, labelled] = kind === 'vfat' ? ['mkfs.vfat', '-n'] : [`mkfs.${kind}`, '-L'];
  await host.run(name, [...(kind === 'vfat' ? [] : ['-q']), ...(label === undefined ? [] : [labelled, label]), path]);
}

/** `mounts`: data disks and shared folders, each on its own. */
export const mounts: Applier = {
  key: 'mounts',
  phases: ['boot', 'runtime'],
  async apply({ mounts = [] }, host) {
    if (mounts.length === 0) return;
    const failures: string[] = [];
    const units: string[] = [];
    for (const mount of mounts) {
      const unit = `${escapePath(mount.path)}.mount`;
      await format(mount, host)
        .then(() => writeFileAtomic(host.path(`/etc/systemd/system/${unit}`), mountUnit(mount)))
        .then(
          () => units.push(unit),
          (error: unknown) => failures.push(`${mount.path}: ${messageOf(error)}`),
        );
    }
    await host.run('systemctl', ['daemon-reload']);
    if (units.length > 0) await host.run('systemctl', ['start', '--no-block', ...units]);
    if (failures.length > 0) throw new KnarrError({ code: 'mounts', blame: 'world', message: failures.join('; ') });
  },
};
