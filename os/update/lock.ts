import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError, systemCode } from '../../src/base/errors.ts';

const lockPath = '/run/knarr/upgrade.lock';

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
};

/** One change of the slots at a time. Throws KnarrError `busy`; a lock whose owner is gone counts for nothing. */
export async function withUpgradeLock<T>(host: Host, work: () => Promise<T>): Promise<T> {
  const path = host.path(lockPath);
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      const pid = Number(await readFile(path, 'utf8').catch(() => ''));
      if (attempt > 0 || (pid > 0 && alive(pid)))
        throw new KnarrError({
          code: 'busy',
          blame: 'user',
          message: `another upgrade is at work (process ${pid}): wait for it`,
        });
      await rm(path, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
