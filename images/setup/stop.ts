import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { delay } from '../../src/base/abort.ts';
import { pidOf } from '../machine/qemu.ts';
import { qmp } from '../machine/qmp.ts';
import { build, machines } from '../tools/paths.ts';
import type { Progress } from './progress.ts';

async function ended(folder: string, timeoutMs: number): Promise<boolean> {
  for (let waited = 0; waited < timeoutMs; waited += 200) {
    if ((await pidOf(folder)) === undefined) return true;
    await delay(200);
  }
  return false;
}

/** `npm stop`: shuts all machines down; one that does not within 90 s is ended. */
export async function stop(_args: readonly string[], progress: Progress): Promise<number> {
  const names = (await readdir(machines, { withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isDirectory(),
  );
  await Promise.all(
    names.map(async ({ name }) => {
      const folder = join(machines, name);
      const pid = await pidOf(folder);
      if (pid === undefined) return;
      progress.note(`• ${name} shuts down`);
      await qmp(folder, 'system_powerdown').catch(() => {});
      const clean = await ended(folder, 90_000);
      if (!clean) process.kill(pid, 'SIGKILL');
      progress.note(clean ? `✓ ${name} is down` : `✓ ${name} did not shut down within 90 s and was ended`);
    }),
  );
  return 0;
}

/** `npm run clean`: removes everything that was made, machines first. */
export async function clean(_args: readonly string[], progress: Progress): Promise<number> {
  for (const { name } of (await readdir(machines, { withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isDirectory(),
  )) {
    const pid = await pidOf(join(machines, name));
    if (pid === undefined) continue;
    process.kill(pid, 'SIGKILL');
    await ended(join(machines, name), 10_000);
  }
  await progress.stage('removing build/', () => rm(build, { recursive: true, force: true }));
  return 0;
}
