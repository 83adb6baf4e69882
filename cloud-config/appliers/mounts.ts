import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';
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
function deviceOf(device: string): string {
  const [, kind = '', value = ''] = /^([A-Z]+)=(.+)$/.exec(device) ?? [];
  return tagged[kind] === undefined ? device : `/dev/disk/by-${tagged[kind]}/${value}`;
}

/** A word that systemd reads as it is. */
const quoted = (word: string): string => `"${word.replaceAll(/[%$]/g, '$&$&').replaceAll(/["\\]/g, '\\$&')}"`;

/** Runs its arguments unless its name is a device that somebody knows the content of: blkid answers 2 for an empty one. */
const onEmpty = `'blkid -p "$$0" >/dev/null; [ $$? != 2 ] || exec "$$@"'`;

/** The units that bring it about and keep it, by name. A disk that is not there holds a boot up for a short while only. */
function mountUnits(mount: Mount): Record<string, string> {
  const { device, path, type, options, format, label } = mount;
  const what = deviceOf(device);
  const unit = escapePath(path);
  const given = options?.split(',') ?? ['defaults'];
  const all = given.includes('nofail') ? given : [...given, 'nofail'];
  const formatting = `knarr-format-${unit}.service`;
  const needs = format === undefined ? '' : `Requires=${formatting}\nAfter=${formatting}\n`;
  const mounting = `[Unit]
Before=knarr.service containerd.service
${needs}
[Mount]
What=${what}
Where=${path}
${type === undefined || type === 'auto' ? '' : `Type=${type}\n`}Options=${all.join(',')}
TimeoutSec=30
`;
  if (format === undefined) return { [`${unit}.mount`]: mounting };
  const disk = `${escapePath(what)}.device`;
  const labelled = label === undefined ? [] : [format === 'vfat' ? '-n' : '-L', label];
  const make = [`mkfs.${format}`, ...(format === 'vfat' ? [] : ['-q']), ...labelled, what];
  return {
    [`${unit}.mount`]: mounting,
    // udev may find the disk only when all configuration is read
    [formatting]: `[Unit]
Description=File system for ${path}
DefaultDependencies=no
BindsTo=${disk}
After=${disk}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c ${onEmpty} ${[what, ...make].map(quoted).join(' ')}
`,
  };
}

/** `mounts`: data disks, which get a file system where nobody knows what is on them, and shared folders. */
export const mounts: Applier = {
  key: 'mounts',
  phases: ['boot', 'runtime'],
  async apply({ mounts = [] }, host) {
    if (mounts.length === 0) return;
    for (const [name, content] of Object.entries(
      Object.assign({}, ...mounts.map(mountUnits)) as Record<string, string>,
    ))
      await writeFileAtomic(host.path(`/etc/systemd/system/${name}`), content);
    await host.run('systemctl', ['daemon-reload']);
    await host.run('systemctl', ['start', '--no-block', ...mounts.map(({ path }) => `${escapePath(path)}.mount`)]);
  },
};
