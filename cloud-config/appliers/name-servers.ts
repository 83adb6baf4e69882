import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

/** `k3os.dns_nameservers`: asked where the network names none. */
export const nameServers: Applier = {
  key: 'k3os.dns_nameservers',
  phases: ['boot', 'runtime'],
  async apply({ k3os }, host, phase) {
    const servers = k3os?.dns_nameservers ?? [];
    if (servers.length === 0) return;
    await writeFileAtomic(
      host.path('/etc/systemd/resolved.conf.d/60-cloud-config.conf'),
      `[Resolve]\nFallbackDNS=${servers.join(' ')}\n`,
    );
    if (phase === 'runtime') await host.run('systemctl', ['try-restart', 'systemd-resolved.service']);
  },
};
