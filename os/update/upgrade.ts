import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { readRelease } from '../release.ts';
import { faultAt } from './fault.ts';
import { keyFolders } from './manifest.ts';
import { openUpdate } from './opened.ts';
import { check } from './phases/check.ts';
import { upgradePhases } from './phases.ts';
import { recordWorkloads } from './record-workloads.ts';
import { upgradeAndTell } from './report.ts';
import { runUpgrade, type UpgradeOptions } from './run.ts';

/** Puts an update into the other slot and makes it start next, on trial. Gives what it is; `checkOnly` changes nothing. */
export async function upgradeMachine(
  host: Host,
  from: string,
  options: UpgradeOptions & { checkOnly: boolean; fault?: string },
  say: (text: string) => void,
): Promise<{ from: string; to: string; kubernetes: string }> {
  const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
  const { request } = options;
  return upgradeAndTell(host, { state, request, say }, async (tell) => {
    const release = await readRelease(host);
    const disk = await readMachineDisk(host);
    await tell(`opening ${from}`);
    const update = await openUpdate(from, {
      arch: release.arch,
      scratch: join(state.folder, 'download'),
      registries: host.path('/etc/rancher/k3s/registries.yaml'),
      keyFolders: keyFolders.map((folder) => host.path(folder)),
    });
    try {
      const { version, kubernetes } = update.manifest;
      const upgrade = {
        host,
        state,
        release,
        update,
        disk,
        options,
        say,
        reach: faultAt(options.fault, say),
        recordWorkloads: () => recordWorkloads(host, state, say),
      };
      await tell(`${version} (Kubernetes ${kubernetes}) is signed by ${update.key.name}`);
      if (options.checkOnly) await check.run(upgrade);
      else
        await runUpgrade(
          upgradePhases.map((phase) => ({
            ...phase,
            async run(run) {
              await tell(phase.name);
              await phase.run(run);
            },
          })),
          upgrade,
        );
      return { from: release.version, to: version, kubernetes };
    } finally {
      await update.close();
    }
  });
}
