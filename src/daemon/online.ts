import { access } from 'node:fs/promises';
import { delay } from '../base/abort.ts';

/** How long a network that does not come up is waited for; systemd's own limit is the same. */
const patienceMs = 120_000;

/**
 * Waits for the file that a service manager puts down when the network is up, or given up: it may start the daemon before,
 * for the daemon is about as long in loading. Without such a file the network is up already.
 */
export async function untilOnline(file = process.env.KNARR_ONLINE, limitMs = patienceMs): Promise<void> {
  if (file === undefined) return;
  const isThere = (): Promise<boolean> =>
    access(file).then(
      () => true,
      () => false,
    );
  const end = performance.now() + limitMs;
  while (!(await isThere()) && performance.now() < end) await delay(50);
}
