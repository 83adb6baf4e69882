import { stringify } from 'yaml';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

/** `registries`: the file in which the daemon looks for them. */
export const registries: Applier = {
  key: 'registries',
  phases: ['boot', 'runtime'],
  async apply({ registries }, host) {
    if (registries === undefined) return;
    await writeFileAtomic(host.path('/etc/rancher/k3s/registries.yaml'), stringify(registries), { mode: 0o600 });
  },
};
