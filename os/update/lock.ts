import type { Host } from '../../cloud-config/host.ts';
import { createProcessLock } from '../process-lock.ts';

/** One change of the slots or of the daemon at a time. Throws KnarrError `busy`. */
export async function withUpgradeLock<T>(host: Host, work: () => Promise<T>): Promise<T> {
  const unlock = await createProcessLock(host.path('/run/knarr/upgrade.lock'), 'an upgrade');
  try {
    return await work();
  } finally {
    await unlock();
  }
}
