import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

/** `k3os.environment`: for logins and for the node's daemon. */
export const environment: Applier = {
  key: 'k3os.environment',
  async apply({ k3os }, host) {
    const lines = Object.entries(k3os?.environment ?? {}).map(
      ([key, value]) => `${key}="${value.replace(/(["\\$`])/g, '\\$1')}"\n`,
    );
    if (lines.length > 0) await writeFileAtomic(host.path('/etc/environment'), lines.join(''));
  },
};
