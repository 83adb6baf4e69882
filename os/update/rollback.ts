import type { Host } from '../../cloud-config/host.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { preferring } from '../boot/entries.ts';
import { withEntries } from '../boot/esp.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { readRelease } from '../release.ts';
import { goesBackToCopy } from './datastore.ts';
import { withUpgradeLock } from './lock.ts';
import { recordWorkloads } from './record-workloads.ts';

const refuse = (code: string, message: string): KnarrError => new KnarrError({ code, blame: 'user', message });

/** The version of the other slot starts next, on trial as any other: if it is not healthy, the machine comes back here. */
export async function rollbackMachine(
  host: Host,
  options: { tries: number; deadlineSeconds: number; restoreDatastore: boolean },
  say: (text: string) => void,
): Promise<{ from: string; to: string }> {
  const release = await readRelease(host);
  const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
  return withUpgradeLock(host, async () => {
    const disk = await readMachineDisk(host);
    const from = disk.running.version ?? release.version;
    const to = disk.other.version;
    if (to === undefined)
      throw refuse('nothing-to-go-back-to', 'the other slot is empty: there is nothing to go back to');
    const restoreDatastore = await goesBackToCopy(host, state, to, options.restoreDatastore);
    const pending = await state.read('pending');
    await withEntries(host, disk, 'write', async (entries) => {
      const list = await entries.list();
      const [target, own] = [to, from].map((wanted) => list.find(({ version }) => version === wanted));
      if (target === undefined)
        throw refuse('no-entry', `the boot loader knows no ${to}: it was being replaced; upgrade again`);
      const tries = preferring(to, from, options.tries);
      // on trial itself, the running version is given up: its tries are over
      if (pending?.to === from) {
        if (own !== undefined) await entries.retry(own, { left: 0, done: own.tries?.done ?? 1 });
        return;
      }
      await recordWorkloads(host, state, say);
      const at = Math.floor(Date.now() / 1000);
      const { deadlineSeconds } = options;
      await state.write('pending', {
        id: `${to}-${at}`,
        kind: 'rollback',
        from,
        to,
        tries: options.tries,
        deadlineSeconds,
        source: 'the other slot',
        ...(restoreDatastore ? { restoreDatastore } : {}),
        at,
      });
      await entries.retry(target, tries.target);
      if (own !== undefined) await entries.retry(own, tries.running);
    });
    return { from, to };
  });
}
