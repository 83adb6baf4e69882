import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { CloudConfig } from '../../cloud-config/schema.ts';
import { run } from '../../src/base/run.ts';
import { direct } from '../tools/chroot.ts';

/** Disks by which a machine is told its configuration: the label, and the files. */
const disks = {
  nocloud: { label: 'CIDATA', files: (userData: string) => ({ 'user-data': userData, 'meta-data': '' }) },
  configdrive: {
    label: 'CONFIG-2',
    files: (userData: string) => ({
      'openstack/latest/user_data': userData,
      'openstack/latest/meta_data.json': '{"uuid":"a-machine"}',
    }),
  },
} as const;

/** How a machine is told its configuration. */
export type SeedKind = keyof typeof disks | 'fwcfg' | 'smbios';

/** What the emulator needs for it. */
export type Seed = { disk: string } | { fwCfg: string } | { smbios: string };

async function mtool(name: string, args: readonly string[]): Promise<void> {
  const tool = direct(`usr/bin/${name}`);
  await run(tool.program, [...tool.args, ...args], {
    env: { ...process.env, MTOOLS_SKIP_CHECK: '1', MTOOLSRC: '/dev/null' },
  });
}

async function writeDisk(image: string, label: string, files: Readonly<Record<string, string>>): Promise<void> {
  await rm(image, { force: true });
  await mtool('mformat', ['-C', '-i', image, '-f', '1440', '-v', label, '::']);
  const made = new Set(['.']);
  for (const [name, text] of Object.entries(files)) {
    const parts = dirname(name).split('/');
    for (const folder of parts.map((_, index) => parts.slice(0, index + 1).join('/')))
      if (!made.has(folder)) {
        await mtool('mmd', ['-i', image, `::${folder}`]);
        made.add(folder);
      }
    const path = `${image}.file`;
    await writeFile(path, text, { mode: 0o600 });
    await mtool('mcopy', ['-o', '-i', image, path, `::${name}`]);
    await rm(path);
  }
}

/** Puts what tells a machine this configuration into `folder`. */
export async function writeSeed(folder: string, config: CloudConfig, kind: SeedKind = 'nocloud'): Promise<Seed> {
  const userData = `#cloud-config\n${stringify(config)}`;
  if (kind === 'fwcfg') {
    await writeFile(join(folder, 'seed.user-data'), userData, { mode: 0o600 });
    return { fwCfg: join(folder, 'seed.user-data') };
  }
  if (kind === 'smbios') {
    const text = `io.systemd.credential.binary:knarr.user-data=${Buffer.from(userData).toString('base64')}`;
    await writeFile(join(folder, 'seed.smbios'), text, { mode: 0o600 });
    return { smbios: join(folder, 'seed.smbios') };
  }
  const disk = join(folder, 'seed.img');
  await writeDisk(disk, disks[kind].label, disks[kind].files(userData));
  return { disk };
}
