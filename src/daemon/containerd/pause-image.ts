import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../base/log.ts';
import { writeOciArchive } from '../../wire/oci-archive.ts';
import type { ImageStore } from './images.ts';
import { findProgram } from './programs.ts';

/** The sandbox image that a node makes of its own catatonit: nothing is pulled to become ready. */
export const ownPauseImage = 'knarr.local/pause:1';

/** What to pull where there is no catatonit to make one of. */
export const pulledPauseImage = 'registry.k8s.io/pause:3.10.1';

/** Which sandbox image the runtime is told of. */
export async function choosePauseImage(wanted: string | undefined): Promise<string> {
  if (wanted !== undefined) return wanted;
  return (await findProgram('catatonit')) === undefined ? pulledPauseImage : ownPauseImage;
}

/** Makes the own sandbox image when the runtime has it not yet; its archive lies in `folder` until it is imported. */
export async function ensurePauseImage(name: string, images: ImageStore, folder: string, log: Logger): Promise<void> {
  if (name !== ownPauseImage || (await images.has(name))) return;
  const catatonit = await findProgram('catatonit');
  if (catatonit === undefined) return log.warn('catatonit is gone: no sandbox image can be made', { image: name });
  const archive = writeOciArchive([
    {
      name,
      files: [{ type: 'file', path: 'catatonit', data: await readFile(catatonit), mode: 0o755 }],
      entrypoint: ['/catatonit', '-P'],
      user: '65535:65535',
    },
  ]);
  const file = join(folder, 'pause.tar');
  try {
    await writeFile(file, archive);
    await images.import(file);
    log.info('sandbox image made', { image: name });
  } finally {
    await rm(file, { force: true });
  }
}
