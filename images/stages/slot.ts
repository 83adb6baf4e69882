import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256OfFile } from '../apt.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';

/** How a root is compressed: quickly while developing, small for a release. */
export const compressions = {
  fast: ['-zlz4', '-C65536'],
  small: ['-zzstd,level=9', '-C131072', '-Efragments'],
} as const;
export type Compression = keyof typeof compressions;

/** A slot's content: `root.erofs` of the whole root, and `partition-uuid`, which is made from its digest. */
export function slotStage(options: { arch: Arch; system: string; compression: Compression }): Stage {
  const { arch, system, compression } = options;
  return {
    name: `slot-${arch}`,
    source: import.meta.filename,
    inputs: [basename(system), compressions[compression]],
    async make(into, say) {
      const image = join(into, 'root.erofs');
      say(compression);
      await runInTools('mkfs.erofs', [
        '--quiet',
        ...compressions[compression],
        '-T0',
        '--all-time',
        '-U00000000-0000-0000-0000-000000000000',
        image,
        join(system, 'root'),
      ]);
      await writeFile(join(into, 'partition-uuid'), `${uuidOf(await sha256OfFile(image))}\n`);
    },
  };
}

/** The first 128 bits of a digest, in a UUID's form. */
export function uuidOf(digest: string): string {
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    digest.slice(12, 16),
    digest.slice(16, 20),
    digest.slice(20, 32),
  ].join('-');
}
