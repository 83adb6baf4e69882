import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KnarrError, systemCode } from '../src/base/errors.ts';

async function alive(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Takes what only one process may do at a time; what a process left that is gone counts for nothing. */
export async function createProcessLock(path: string, what: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  for (let tries = 0; ; tries++) {
    try {
      await writeFile(path, `${process.pid}\n`, { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    if (tries > 0 || (await alive(path)))
      throw new KnarrError({ code: 'busy', blame: 'user', message: `${what} is under way already` });
    await rm(path, { force: true });
  }
}
