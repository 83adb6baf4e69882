import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { forEmulation } from '../../images/machine/machine.ts';
import { createDisk, pidOf, startQemu } from '../../images/machine/qemu.ts';
import { writeSeed } from '../../images/machine/seed.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { machines } from '../../images/tools/paths.ts';
import { stockImage } from '../harness/stock-image.ts';
import { patienceMs } from '../harness/vm.ts';
import type { Figure } from './measure.ts';

const figureOf = { cloud: 'poweron_to_login_stock_s', bare: 'poweron_to_login_stock_s.bare' } as const;

/** A Debian in the same emulator, from its start to its login prompt: what a machine costs without Knarr. */
export async function stockLogin(kind: keyof typeof figureOf): Promise<Figure> {
  const image = await stockImage(kind, createProgress(process.stderr));
  const accelerator = await findAccelerator();
  const folder = join(machines, `stock-${randomBytes(3).toString('hex')}`);
  await mkdir(folder, { recursive: true });
  try {
    const disk = join(folder, 'disk.qcow2');
    await createDisk(disk, image.disk, '8G');
    const cmdline = `${image.cmdline} ${accelerator === 'tcg' ? forEmulation : ''}`.trim();
    const seed = await writeSeed(folder, { hostname: 'stock' });
    const begun = performance.now();
    await startQemu({
      folder,
      arch: image.arch,
      accelerator,
      memoryMb: 2048,
      disk,
      seed,
      direct: { kernel: image.kernel, initrd: image.initrd, cmdline },
      forwards: {},
    });
    const seconds = (): number => (performance.now() - begun) / 1000;
    while (!/login:/.test(await readFile(join(folder, 'console.log'), 'utf8').catch(() => ''))) {
      if (seconds() * 1000 > patienceMs) throw new Error('the plain Debian did not come to its login prompt');
      await sleep(100);
    }
    return { name: figureOf[kind], value: seconds(), unit: 's', better: 'lower', note: accelerator };
  } finally {
    const pid = await pidOf(folder);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    while ((await pidOf(folder)) !== undefined) await sleep(50);
    await rm(folder, { recursive: true, force: true });
  }
}
