import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

const file = '/etc/sysctl.d/95-cloud-config.conf';

/** `k3os.sysctls`: kernel settings, put where systemd-sysctl, which comes later, reads them. */
export const sysctls: Applier = {
  key: 'k3os.sysctls',
  phases: ['initrd', 'boot', 'runtime'],
  async apply({ k3os }, host, phase) {
    const lines = Object.entries(k3os?.sysctls ?? {}).map(([key, value]) => `${key} = ${value}\n`);
    if (lines.length === 0) return;
    await writeFileAtomic(host.path(file), lines.join(''));
    if (phase === 'runtime') await host.run('sysctl', ['-q', '-p', host.path(file)]);
  },
};
