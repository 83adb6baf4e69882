import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { RecordedWorkload, UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { failedUnits } from '../health/checks.ts';
import { openLocalClients } from '../health/local-clients.ts';
import { workloadsOn } from '../health/workloads.ts';

/** Writes down what is well now, for the health gate of the next version: what is not is not its fault. */
export async function recordWorkloads(host: Host, state: UpgradeState, say: (text: string) => void): Promise<void> {
  await writeFileAtomic(join(state.folder, 'failed-units.json'), JSON.stringify(await failedUnits(host)));
  const asked = workloadsHere(host, state).catch((error: unknown) => {
    say(`what runs on this node could not be asked, so the health gate will not ask for it: ${messageOf(error)}`);
    return [];
  });
  await state.write('workloads', await asked);
}

async function workloadsHere(host: Host, state: UpgradeState): Promise<readonly RecordedWorkload[]> {
  const clients = await openLocalClients(host, state);
  const { node } = clients;
  try {
    return node === undefined ? [] : await workloadsOn(node.client, node.name);
  } finally {
    clients.close();
  }
}
