import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { KnarrError } from '../../base/errors.ts';
import { runProgram } from './program.ts';

/** Where the machine's own program is: beside the bundle, in an image, or in a clone. */
function machineProgram(): string {
  const here = import.meta.dirname;
  const found = [resolve(here, 'boot.js'), resolve(here, '../../../os/main.ts'), '/usr/lib/knarr/os.mjs'].find((path) =>
    existsSync(path),
  );
  if (found === undefined)
    throw new KnarrError({
      code: 'no-program',
      blame: 'world',
      message: 'this installation has the daemon alone; what concerns the machine itself is part of the image',
    });
  return found;
}

/** A command that belongs to the machine's own program, which answers in our place. */
export const machineCommand =
  (word: string) =>
  (args: readonly string[]): Promise<number> =>
    runProgram(process.execPath, [machineProgram(), word, ...args], {});
