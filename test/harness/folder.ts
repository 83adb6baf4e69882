import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../../images/tools/paths.ts';

const alive = (pid: string): Promise<boolean> =>
  access(`/proc/${pid}`).then(
    () => true,
    () => false,
  );

/**
 * A folder of this process inside the clone; whoever asks for it removes it. What processes left that were killed before
 * they could (an interrupted or timed-out test) is removed here.
 */
export async function testFolder(name: string): Promise<string> {
  const parent = join(build, 'test');
  await mkdir(parent, { recursive: true });
  for (const entry of await readdir(parent)) {
    const owner = entry.startsWith(`${name}-`) ? /^(\d+)-/.exec(entry.slice(name.length + 1))?.[1] : undefined;
    if (owner === undefined || (await alive(owner))) continue;
    await rm(join(parent, entry), { recursive: true, force: true });
  }
  return mkdtemp(join(parent, `${name}-${process.pid}-`));
}
