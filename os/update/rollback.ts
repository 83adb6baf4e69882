import type { Host } from '../../cloud-config/host.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { type Pending, type UpgradeState, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { preferring } from '../boot/entries.ts';
import { withEntries } from '../boot/esp.ts';
import { type MachineDisk, readMachineDisk } from '../disk/machine-disk.ts';
import { finish, standingOf } from '../health/trial.ts';
import { readRelease } from '../release.ts';
import { goesBackToCopy } from './datastore.ts';
import { withUpgradeLock } from './lock.ts';
import { refuseBesideDaemon } from './on-trial.ts';
import { recordWorkloads } from './record-workloads.ts';

const refuse = (code: string, message: string): KnarrError => new KnarrError({ code, blame: 'user', message });

/** What is pending and was not started yet never is: the running version starts next. False when it was started. */
const takeBack = (host: Host, disk: MachineDisk, state: UpgradeState, pending: Pending): Promise<boolean> =>
  withEntries(host, disk, 'write', async (entries) => {
    const list = await entries.list();
    if (standingOf(pending, disk.running.version, list).is !== 'waiting') return false;
    for (const entry of list) if (entry.version === pending.from) await entries.retry(entry, undefined);
    for (const entry of list) if (entry.version === pending.to) await entries.retry(entry, { left: 0, done: 1 });
    await finish(state, pending, 'returned', { reasons: ['it was taken back before it was started'] });
    return true;
  });

/**
 * The version of the other slot starts next, on trial as any other: if it is not healthy, the machine comes back here. One
 * that waits there for its first start is taken back: `to` is the running version then.
 */
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
    const pending = await state.read('pending');
    refuseBesideDaemon(pending);
    if (pending !== undefined && (await takeBack(host, disk, state, pending))) {
      say(`${pending.to} is not started`);
      return { from, to: from };
    }
    if (to === undefined)
      throw refuse('nothing-to-go-back-to', 'the other slot is empty: there is nothing to go back to');
    const restoreDatastore = await goesBackToCopy(host, state, to, options.restoreDatastore);
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
