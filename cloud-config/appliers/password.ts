import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

/** `k3os.password`: rancher's, as it is or as crypt(5) hashed it. */
export const password: Applier = {
  key: 'k3os.password',
  phases: ['initrd', 'boot', 'runtime'],
  async apply({ k3os }, host) {
    const given = k3os?.password;
    if (given === undefined || given === '') return;
    if (!/^\$\w+\$/.test(given)) {
      await host.run('chpasswd', [], { input: `rancher:${given}\n` });
      return;
    }
    const path = host.path('/etc/shadow');
    const lines = (await readFile(path, 'utf8')).split('\n');
    const changed = lines.map((line) => line.replace(/^rancher:[^:]*:/, () => `rancher:${given}:`));
    await writeFileAtomic(path, changed.join('\n'), { mode: 0o600 });
  },
};
