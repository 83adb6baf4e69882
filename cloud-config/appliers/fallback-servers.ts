import { rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';
import type { CloudConfig } from '../schema.ts';

/** Servers that a service of systemd asks where the network names none. */
function fallbackServers(options: {
  key: string;
  servers: (config: CloudConfig) => readonly string[] | undefined;
  service: string;
  file: string;
  /** The line of its configuration, without the servers. */
  line: string;
}): Applier {
  const { key, servers, service, file, line } = options;
  return {
    key,
    phases: ['boot', 'runtime'],
    async apply(config, host, phase) {
      const named = servers(config) ?? [];
      if (named.length > 0) await writeFileAtomic(host.path(file), `${line}${named.join(' ')}\n`);
      else await rm(host.path(file), { force: true });
      if (phase === 'runtime') await host.run('systemctl', ['try-restart', service]);
    },
  };
}

/** `k3os.dns_nameservers`. */
export const nameServers = fallbackServers({
  key: 'k3os.dns_nameservers',
  servers: ({ k3os }) => k3os?.dns_nameservers,
  service: 'systemd-resolved.service',
  file: '/etc/systemd/resolved.conf.d/60-cloud-config.conf',
  line: '[Resolve]\nFallbackDNS=',
});

/** `k3os.ntp_servers`. */
export const timeServers = fallbackServers({
  key: 'k3os.ntp_servers',
  servers: ({ k3os }) => k3os?.ntp_servers,
  service: 'systemd-timesyncd.service',
  file: '/etc/systemd/timesyncd.conf.d/60-cloud-config.conf',
  line: '[Time]\nFallbackNTP=',
});
