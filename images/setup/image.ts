import { imageCommand } from '../command.ts';
import type { Progress } from './progress.ts';
import { setUp } from './tools.ts';

/** `npm run image`: see images/command-options.ts. */
export async function image(args: readonly string[], progress: Progress): Promise<number> {
  await setUp(['image'], progress);
  return imageCommand(args, progress);
}
