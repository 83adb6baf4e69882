import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../base/errors.ts';

/** What Kubernetes wants of the kernel below a kubelet. */
const wanted: Readonly<Record<string, string>> = {
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.keys.root_maxbytes': '25000000',
};

/** For --protect-kernel-defaults: throws KnarrError that names every setting that is different. */
export async function checkKernelDefaults(root = '/proc/sys'): Promise<void> {
  const different = await Promise.all(
    Object.entries(wanted).map(async ([name, value]) => {
      const actual = (await readFile(join(root, name.replaceAll('.', '/')), 'utf8').catch(() => 'none')).trim();
      return actual === value ? [] : [`${name}=${value} (is ${actual})`];
    }),
  );
  const list = different.flat();
  if (list.length > 0)
    throw new KnarrError({
      code: 'kernel-defaults',
      blame: 'user',
      message: `--protect-kernel-defaults: set by sysctl, or start without it: ${list.join(', ')}`,
    });
}
