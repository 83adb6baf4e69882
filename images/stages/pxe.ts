import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Flavour } from '../packages.ts';
import type { Stage } from '../stage.ts';
import type { Arch } from '../tools/paths.ts';
import { commandLine, readFacts } from './uki.ts';

/** Stands for where the folder is served, as `http://HOST/PATH`. */
export const folderPlaceholder = 'http://SERVER/knarr';

/** What a network boot loader is told: `cmdline`, in which the server's address is to be put, and `boot.ipxe`. */
export function pxeStage(options: { arch: Arch; flavour: Flavour; slot: string }): Stage {
  const { arch, flavour, slot } = options;
  return {
    name: `pxe-${flavour}-${arch}`,
    source: import.meta.filename,
    inputs: [basename(slot)],
    async make(into) {
      const facts = await readFacts(slot);
      const line = (root: string): string => `${commandLine({ arch, flavour, root, facts })} knarr.mode=live`;
      await writeFile(join(into, 'cmdline'), `${line(`${folderPlaceholder}/root.img`)}\n`);
      // iPXE keeps the address of the script that it runs in cwduri; a further word or two of a user's may come in `knarr`
      const script = [
        '#!ipxe',
        `kernel \${cwduri}kernel initrd=initrd ${line(`\${cwduri}root.img`)} \${knarr}`,
        `initrd \${cwduri}initrd`,
        'boot',
      ];
      await writeFile(join(into, 'boot.ipxe'), `${script.join('\n')}\n`);
    },
  };
}
