import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { CloudConfig } from '../../cloud-config/schema.ts';
import { run } from '../../src/base/run.ts';
import { direct } from '../tools/chroot.ts';

async function mtool(name: string, args: readonly string[]): Promise<void> {
  const tool = direct(`usr/bin/${name}`);
  await run(tool.program, [...tool.args, ...args], {
    env: { ...process.env, MTOOLS_SKIP_CHECK: '1', MTOOLSRC: '/dev/null' },
  });
}

/** A NoCloud seed disk, `seed.img` in `folder`, with this configuration. */
export async function writeSeed(folder: string, config: CloudConfig): Promise<string> {
  const image = join(folder, 'seed.img');
  const files = { 'user-data': `#cloud-config\n${stringify(config)}`, 'meta-data': '' };
  await rm(image, { force: true });
  await mtool('mformat', ['-C', '-i', image, '-f', '1440', '-v', 'CIDATA', '::']);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    await mtool('mcopy', ['-o', '-i', image, path, `::${name}`]);
    await rm(path);
  }
  return image;
}
