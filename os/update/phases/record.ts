import type { UpgradePhase } from '../run.ts';

/** From here on the other version may start: what it must find again, and where the way back leads, is written down. */
export const record: UpgradePhase = {
  name: 'record',
  async run({ state, update, disk, release, options, recordWorkloads }) {
    await recordWorkloads();
    await state.remove('attempts');
    const at = Math.floor(Date.now() / 1000);
    await state.write('pending', {
      id: `${update.manifest.version}-${at}`,
      kind: 'upgrade',
      from: disk.running.version ?? release.version,
      to: update.manifest.version,
      tries: options.tries,
      deadlineSeconds: options.deadlineSeconds,
      source: update.from,
      ...(options.request === undefined ? {} : { request: options.request }),
      at,
    });
  },
};
