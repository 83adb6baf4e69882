import { existsSync } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { upgradeState } from './state.ts';

/** Written by the image at each boot: where it is not, nobody upgrades slots. */
const bootedByImage = '/run/knarr/knarr.env';

/** Where this daemon keeps its state, for the health gate and the datastore's copy of the next version. */
export async function rememberDaemon(dataDir: string, log: Logger): Promise<void> {
  if (!existsSync(bootedByImage)) return;
  const state = upgradeState();
  try {
    if ((await state.read('daemon'))?.dataDir !== dataDir) await state.write('daemon', { dataDir });
  } catch (error) {
    log.warn('the next upgrade will look for the datastore where it usually is', { error: messageOf(error) });
  }
}
