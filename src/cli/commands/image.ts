import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { KnarrError } from '../../base/errors.ts';
import { runProgram } from './program.ts';

/** The image builder, which is part of a clone alone: what `npm run image -- …` calls. */
export function run(args: readonly string[]): Promise<number> {
  const builder = resolve(import.meta.dirname, '../../../images/setup/run.mjs');
  if (!existsSync(builder))
    throw new KnarrError({
      code: 'no-program',
      blame: 'user',
      message: 'images are built in a clone of Knarr’s repository: npm run image -- --help',
    });
  return runProgram(process.execPath, [builder, 'image', ...args], {});
}
