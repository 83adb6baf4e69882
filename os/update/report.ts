import { readFile } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { PlanRequest, UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { withUpgradeLock } from './lock.ts';

/**
 * One upgrade at a time; its progress, and what it failed of, are told to the person who began it and to the cluster that
 * asked for it.
 */
export async function upgradeAndTell<T>(
  host: Host,
  { state, request, say }: { state: UpgradeState; request: PlanRequest | undefined; say: (text: string) => void },
  work: (tell: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const tell = async (text: string): Promise<void> => {
    say(text);
    await reportProgress(host, state, request, text, undefined);
  };
  try {
    return await withUpgradeLock(host, () => work(tell), request);
  } catch (error) {
    await reportProgress(host, state, request, '', messageOf(error)).catch(() => {});
    throw error;
  }
}

/** For whoever watches from the cluster; only an upgrade that the cluster asked for is watched. */
async function reportProgress(
  host: Host,
  state: UpgradeState,
  request: PlanRequest | undefined,
  text: string,
  failed: string | undefined,
): Promise<void> {
  if (request === undefined) return;
  const at = Math.floor(Date.now() / 1000);
  const boot = (await readFile(host.path('/proc/sys/kernel/random/boot_id'), 'utf8').catch(() => '')).trim();
  const { pid } = process;
  await state.write('progress', { at, text, request, boot, pid, ...(failed === undefined ? {} : { failed }) });
}
