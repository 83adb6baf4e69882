import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, type Measurement, median } from './measure.ts';
import { startOwnServer } from './own-server.ts';
import { residentMb } from './processes.ts';

/** How fast an empty control plane answers: the middle of five starts. */
export const startUp: Measurement = {
  names: ['start_to_api_ready_s', 'idle_rss_control_plane_mb'],
  async run(context) {
    const times: number[] = [];
    let resident = Number.NaN;
    for (let i = 0; i < 5; i++) {
      const server = await startOwnServer();
      times.push(server.readySeconds);
      if (i === 4 && context.wanted.has('idle_rss_control_plane_mb')) {
        await sleep(20_000);
        resident = await residentMb(server.pid);
      }
      await server.stop();
    }
    const figures: Figure[] = [{ name: 'start_to_api_ready_s', value: median(times), unit: 's', better: 'lower' }];
    if (!Number.isNaN(resident))
      figures.push({ name: 'idle_rss_control_plane_mb', value: resident, unit: 'MB', better: 'lower' });
    return figures;
  },
};
