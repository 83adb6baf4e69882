import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeEspTree } from '../../os/disk/esp-tree.ts';
import { partitionDefinitions } from '../../os/disk/layout.ts';
import { manifestName, signatureName } from '../../os/update/manifest.ts';
import { addHybridMbr } from '../hybrid-mbr.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, clone } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';
import { bootLoader } from './efi.ts';
import { readFacts } from './uki.ts';

/** 1980, before which FAT knows no time: without one that it takes, a file system is dated when it was made. */
const beginning = '315532800';

/**
 * `disk.raw`: GPT with the EFI system partition (boot loader, unified kernel image, manifest; `firmware` is a folder of
 * more files, which a board's loader in ROM looks for by the old table of partitions), the first slot, an empty second.
 */
export function diskStage(options: {
  name: string;
  arch: Arch;
  version: string;
  slot: string;
  uki: string;
  efi: string;
  update: string;
  firmware?: string;
}): Stage {
  const { name, arch, version, slot, uki, efi, update, firmware } = options;
  return {
    name: `${name}-${arch}`,
    source: import.meta.filename,
    inputs: [version, ...[slot, uki, efi, update, firmware ?? ''].map((path) => basename(path))],
    files: ['os/disk/esp-tree.ts', 'os/disk/layout.ts', 'images/hybrid-mbr.ts'].map((path) => join(clone, path)),
    async make(into) {
      const esp = join(into, 'esp');
      await makeEspTree({
        into: esp,
        ...{ arch, version, bootLoader: join(efi, bootLoader(arch)), uki: join(uki, 'knarr.efi') },
        signed: {
          bytes: await readFile(join(update, manifestName)),
          signature: await readFile(join(update, signatureName), 'utf8'),
        },
      });
      if (firmware !== undefined) await run('cp', ['-R', `${firmware}/.`, esp]);
      await run('find', [esp, '-exec', 'touch', `--date=@${beginning}`, '{}', '+']);
      const folder = join(into, 'repart.d');
      await mkdir(folder);
      const { partition } = await readFacts(slot);
      const files = partitionDefinitions({ arch, version, root: join(slot, 'root.img'), partition, esp });
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      await runInTools(
        'systemd-repart',
        [
          '--empty=create',
          '--size=auto',
          '--sector-size=512',
          '--offline=yes',
          '--dry-run=no',
          '--no-pager',
          `--seed=${partition}`,
          `--definitions=${folder}`,
          join(into, 'disk.raw'),
        ],
        { env: { SOURCE_DATE_EPOCH: beginning } },
      );
      if (firmware !== undefined) await addHybridMbr(join(into, 'disk.raw'));
      await rm(esp, { recursive: true });
    },
  };
}
