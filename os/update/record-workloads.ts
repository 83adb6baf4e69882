import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { failedUnits } from '../health/checks.ts';
import { openLocalClients } from '../health/local-clients.ts';
import { workloadsOn } from '../health/workloads.ts';

/** Writes down what is well now, for the health gate of the next version: what is not is not its fault. */
export async function recordWorkloads(host: Host, state: UpgradeState, say: (text: string) => void): Promise<void> {
  await writeFileAtomic(join(state.folder, 'failed-units.json'), JSON.stringify(await failedUnits(host)));
  const clients = await openLocalClients(host, state);
  try {
    const { node } = clients;
    await state.write('workloads', node === undefined ? [] : await workloadsOn(node.client, node.name));
  } catch (error) {
    await state.write('workloads', []);
    say(`what runs on this node could not be asked, so the health gate will not ask for it: ${messageOf(error)}`);
  } finally {
    clients.close();
  }
}
