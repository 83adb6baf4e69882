import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, residentMbOf } from './control-plane.ts';
import { type Figure, type Measurement, median } from './measure.ts';
import { startShippedServer } from './own-server.ts';
import { startPeer } from './peer.ts';

const starts = 5;
const settleMs = 20_000;

/** Seconds to ready of some starts, and the memory of the last one after it has settled. */
async function measure(
  start: () => Promise<ControlPlane>,
  count: number,
  withMemory: boolean,
): Promise<{ ready: number; resident: number }> {
  const times: number[] = [];
  let resident = Number.NaN;
  for (let i = 1; i <= count; i++) {
    const server = await start();
    times.push(server.readySeconds);
    if (i === count && withMemory) {
      await sleep(settleMs);
      resident = await residentMbOf(server);
    }
    await server.stop();
  }
  return { ready: median(times), resident };
}

/** How fast an empty control plane answers: the middle of five starts. */
export const startUp: Measurement = {
  names: ['start_to_api_ready_s', 'idle_rss_control_plane_mb'],
  async run({ wanted, peer: programs }) {
    const withMemory = wanted.has('idle_rss_control_plane_mb');
    const own = await measure(startShippedServer, wanted.has('start_to_api_ready_s') ? starts : 1, withMemory);
    const peer = programs === undefined ? undefined : await measure(() => startPeer(programs), 1, withMemory);
    const figures: Figure[] = [
      { name: 'start_to_api_ready_s', value: own.ready, unit: 's', better: 'lower', peer: peer?.ready },
    ];
    if (withMemory)
      figures.push({
        name: 'idle_rss_control_plane_mb',
        value: own.resident,
        unit: 'MB',
        better: 'lower',
        peer: peer?.resident,
      });
    return figures;
  },
};
