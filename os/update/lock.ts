import type { Host } from '../../cloud-config/host.ts';
import { createProcessLock } from '../process-lock.ts';

/** Of a plan: it waits for what a person does by hand meanwhile. */
const planWaitsSeconds = 3600;

/**
 * One change of the slots or of the daemon at a time. Throws KnarrError `busy`; for a plan (`request`), only when it has
 * waited for long.
 */
export async function withUpgradeLock<T>(host: Host, work: () => Promise<T>, request?: object): Promise<T> {
  const unlock = await createProcessLock(
    host.path('/run/knarr/upgrade.lock'),
    'an upgrade, a rollback or a reset',
    request === undefined ? 0 : planWaitsSeconds,
  );
  try {
    return await work();
  } finally {
    await unlock();
  }
}
