import { stat, statfs } from 'node:fs/promises';
import { KnarrError } from '../../../src/base/errors.ts';
import { withEntries } from '../../boot/esp.ts';
import { daemonPaths } from '../../health/local-clients.ts';
import { fileOf } from '../manifest.ts';
import { onTrial, refuseBesideDaemon } from '../on-trial.ts';
import type { UpgradePhase, UpgradeRun } from '../run.ts';

const refuse = (code: string, message: string): KnarrError => new KnarrError({ code, blame: 'user', message });
const mebibytes = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;

/** A copy of the datastore must find room in /var when the new version first starts. */
export async function checkRoom({ host, state }: Pick<UpgradeRun, 'host' | 'state'>): Promise<void> {
  const { database } = (await daemonPaths(state)).server;
  const { size } = await stat(host.path(database)).catch(() => ({ size: 0 }));
  if (size === 0) return;
  const { bavail, bsize } = await statfs(host.path('/var'));
  if (bavail * bsize < size * 1.2 + (16 << 20))
    throw refuse(
      'no-room',
      `/var has no room for the copy of the datastore that an upgrade keeps: ${mebibytes(size * 1.2)} are needed`,
    );
}

/** Does it fit this machine? Nothing is changed. */
export const check: UpgradePhase = {
  name: 'check',
  async run(upgrade) {
    const { update, release, disk, options, host, state } = upgrade;
    const { manifest } = update;
    const pending = await state.read('pending');
    refuseBesideDaemon(pending);
    if (manifest.arch !== release.arch)
      throw refuse('other-arch', `the update is for ${manifest.arch}, this machine is ${release.arch}`);
    if (manifest.flavour !== undefined && manifest.flavour !== release.flavour && !options.force)
      throw refuse(
        'other-flavour',
        `the update is made for ${manifest.flavour} machines, this one runs ${release.flavour ?? 'another kind'}; --force takes it all the same`,
      );
    if (manifest.version === disk.running.version)
      throw refuse('same-version', `${manifest.version} is the version that runs`);
    const root = fileOf(manifest, 'root');
    if (root.size > disk.other.partition.size)
      throw refuse(
        'slot-too-small',
        `the update's root has ${mebibytes(root.size)}, the slot ${mebibytes(disk.other.partition.size)}`,
      );
    await checkRoom(upgrade);
    await withEntries(host, disk, 'read', async (entries) => {
      const running = (await entries.list()).find(({ version }) => version === disk.running.version);
      if (running === undefined && !options.force)
        throw refuse(
          'no-way-back',
          `the boot loader has no entry for ${disk.running.version}, which runs: there would be no way back (--force does without)`,
        );
      // its last try has none left
      if (running?.tries !== undefined && (running.tries.left > 0 || pending?.to === disk.running.version))
        throw onTrial(
          `${disk.running.version} is on trial itself: wait until it is kept (knarr status), or go back (knarr rollback)`,
        );
    });
  },
};
