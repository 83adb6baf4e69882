import { setTimeout as sleep } from 'node:timers/promises';
import { configmaps } from '../../src/api/gen/resources.ts';
import { type ControlPlane, residentMbOf } from './control-plane.ts';
import type { Measurement } from './measure.ts';
import { startShippedServer } from './own-server.ts';
import { startPeer } from './peer.ts';
import { openTarget } from './target.ts';

const objects = 21_000;
const atOnce = 50;
const settleMs = 30_000;
const payload = 'x'.repeat(500);

/** Resident memory with 21,000 ConfigMaps of half a kilobyte, after it has settled. */
async function residentFull(start: () => Promise<ControlPlane>): Promise<number> {
  const plane = await start();
  try {
    const { client, namespace, abandon } = await openTarget(plane.kubeconfig);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < objects) {
        const metadata = { name: `full-${next++}`, namespace };
        await client.create(configmaps, { metadata, data: { key: payload } }, { namespace });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    abandon();
    await sleep(settleMs);
    return await residentMbOf(plane);
  } finally {
    await plane.stop();
  }
}

export const memory: Measurement = {
  names: ['rss_21000_configmaps_mb'],
  async run({ peer: programs }) {
    const value = await residentFull(startShippedServer);
    const peer = programs === undefined ? undefined : await residentFull(() => startPeer(programs));
    return [{ name: 'rss_21000_configmaps_mb', value, unit: 'MB', better: 'lower', peer }];
  },
};
