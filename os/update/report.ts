import { readFile } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import type { PlanRequest, UpgradeState } from '../../src/daemon/upgrade/state.ts';

/** For whoever watches from the cluster; only an upgrade that the cluster asked for is watched. */
export async function reportProgress(
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
