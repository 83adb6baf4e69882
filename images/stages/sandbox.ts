import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../../src/base/run.ts';
import { writeOciArchive } from '../../src/wire/oci-archive.ts';
import type { Stage } from '../stage.ts';
import type { Arch } from '../tools/paths.ts';

/** The image of every pod's sandbox, made from Debian's catatonit: `pause.tar`, imported by the daemon. */
export function sandboxStage(arch: Arch, catatonit: string): Stage {
  return {
    name: `sandbox-${arch}`,
    source: import.meta.filename,
    inputs: [arch, basename(catatonit)],
    async make(into) {
      const from = join(into, 'catatonit');
      await mkdir(from);
      await run('dpkg-deb', ['-x', catatonit, from]);
      const program = await readFile(join(from, 'usr/bin/catatonit'));
      await rm(from, { recursive: true });
      await writeFile(
        join(into, 'pause.tar'),
        writeOciArchive([
          {
            name: 'knarr.io/pause:1',
            architecture: arch,
            files: [{ type: 'file', path: 'pause', mode: 0o755, data: program }],
            entrypoint: ['/pause', '-P'],
          },
        ]),
      );
    },
  };
}
