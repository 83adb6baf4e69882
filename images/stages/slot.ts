import { rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { partitionUuid } from '../../os/update/manifest.ts';
import { KnarrError } from '../../src/base/errors.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';

/** How a root is compressed: quickly while developing, small for a release. */
export const compressions = { fast: 'erofs, lz4', small: 'squashfs, xz' } as const;
export type Compression = keyof typeof compressions;

/** The program and its arguments that write the tree at `root` into the file `image`. */
function maker(compression: Compression, arch: Arch, root: string, image: string): [program: string, args: string[]] {
  if (compression === 'fast') {
    const identity = ['-T0', '--all-time', '-U00000000-0000-0000-0000-000000000000'];
    return ['mkfs.erofs', ['--quiet', '-zlz4', '-C65536', ...identity, image, root]];
  }
  // a filter by which xz finds the same call in two places of a program
  const filter = arch === 'amd64' ? ['-Xbcj', 'x86'] : [];
  const form = ['-comp', 'xz', '-b', '256K', ...filter, '-all-time', '0', '-mkfs-time', '0'];
  return ['mksquashfs', [root, image, ...form, '-noappend', '-quiet', '-no-progress']];
}

/** What `root.json` beside a root says of it: what the kernel's command line and the partition table need. */
export interface RootFacts {
  rootHash: string;
  /** Of 4,096 bytes, without the tree of hashes, which begins behind them. */
  blocks: number;
  partition: string;
}

/**
 * A slot's content: `root.img`, the file system of the whole root with its tree of hashes (dm-verity) appended, and
 * `root.json` (RootFacts).
 */
export function slotStage(options: { arch: Arch; system: string; compression: Compression }): Stage {
  const { arch, system, compression } = options;
  return {
    name: `slot-${arch}`,
    source: import.meta.filename,
    inputs: [basename(system), compression],
    async make(into, say) {
      const image = join(into, 'root.new');
      say(compressions[compression]);
      const [program, args] = maker(compression, arch, join(system, 'root'), image);
      await runInTools(program, args);
      await writeFile(join(into, 'root.json'), `${JSON.stringify(await appendHashes(image))}\n`);
      await rename(image, join(into, 'root.img'));
    },
  };
}

const block = 4096;

/** Appends a file system's tree of hashes. The same content always has the same hash: no salt, no identity of its own. */
async function appendHashes(image: string): Promise<RootFacts> {
  const { stdout } = await runInTools('stat', ['--format=%s', image]);
  const size = Math.ceil(Number(stdout) / block) * block;
  await runInTools('truncate', ['--size', String(size), image]);
  const options = ['--salt=-', '--uuid=00000000-0000-0000-0000-000000000000', `--hash-offset=${size}`];
  const { stdout: printed } = await runInTools('veritysetup', ['format', ...options, image, image]);
  const rootHash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(printed)?.[1];
  if (rootHash === undefined)
    throw new KnarrError({ code: 'verity', blame: 'bug', message: `veritysetup printed no root hash: ${printed}` });
  return { rootHash, blocks: size / block, partition: partitionUuid(rootHash) };
}
