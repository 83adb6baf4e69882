import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

/** `k3os.sysctls`: kernel settings, put where systemd-sysctl, which comes later, reads them. */
export const sysctls: Applier = {
  key: 'k3os.sysctls',
  async apply({ k3os }, host) {
    const lines = Object.entries(k3os?.sysctls ?? {}).map(([key, value]) => `${key} = ${value}\n`);
    if (lines.length > 0) await writeFileAtomic(host.path('/etc/sysctl.d/95-cloud-config.conf'), lines.join(''));
  },
};
