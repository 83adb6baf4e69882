import { mkdir, readFile } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import type { MachineDisk } from '../disk/machine-disk.ts';
import { createProcessLock } from '../process-lock.ts';
import { type Entries, entriesOn } from './entries.ts';

const mountPoint = '/run/knarr/esp';

/** An upgrade that writes there may get what it writes over a slow network. */
const waitSeconds = 120;

/**
 * Works on the EFI system partition, which is mounted only for that long. Before it is written its file system is
 * checked: a power cut may have come in the midst of an earlier change. One at a time on a machine, the others wait.
 */
export const withEntries = <T>(
  host: Host,
  disk: MachineDisk,
  mode: 'read' | 'write',
  work: (entries: Entries) => Promise<T>,
): Promise<T> => withEsp(host, disk, mode, (folder) => work(entriesOn(folder)));

/** The same with the folder that it is mounted on. */
export async function withEsp<T>(
  host: Host,
  disk: MachineDisk,
  mode: 'read' | 'write',
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const release = await createProcessLock(
    host.path(`${mountPoint}.lock`),
    'a change of the boot loader’s entries',
    waitSeconds,
  );
  try {
    return await mounted(host, disk, mode, work);
  } finally {
    await release();
  }
}

async function mounted<T>(
  host: Host,
  disk: MachineDisk,
  mode: 'read' | 'write',
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = host.path(mountPoint);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const mounts = await readFile(host.path('/proc/self/mountinfo'), 'utf8');
  // left mounted by a run that was killed
  if (mounts.includes(` ${mountPoint} `)) await host.run('umount', [folder]);
  // 1: errors were corrected
  if (mode === 'write') await host.run('fsck.vfat', ['-a', '-w', disk.esp.device], { okCodes: [0, 1] });
  const options = `${mode === 'write' ? 'rw,flush' : 'ro'},umask=0077,nosuid,nodev,noexec`;
  await host.run('mount', ['-t', 'vfat', '-o', options, disk.esp.device, folder]);
  try {
    return await work(folder);
  } finally {
    await host.run('umount', [folder]);
  }
}
