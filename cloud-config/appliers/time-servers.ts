import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

/** `k3os.ntp_servers`: asked where the network names none. */
export const timeServers: Applier = {
  key: 'k3os.ntp_servers',
  phases: ['boot', 'runtime'],
  async apply({ k3os }, host, phase) {
    const servers = k3os?.ntp_servers ?? [];
    if (servers.length === 0) return;
    await writeFileAtomic(
      host.path('/etc/systemd/timesyncd.conf.d/60-cloud-config.conf'),
      `[Time]\nFallbackNTP=${servers.join(' ')}\n`,
    );
    if (phase === 'runtime') await host.run('systemctl', ['try-restart', 'systemd-timesyncd.service']);
  },
};
