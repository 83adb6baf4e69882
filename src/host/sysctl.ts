import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../base/errors.ts';

/** What became of one setting; `missing` is a kernel without it, `refused` one that would not take the value. */
export type SysctlResult =
  | { name: string; outcome: 'unchanged' | 'changed' | 'missing' }
  | { name: string; outcome: 'refused'; why: string };

/** `net.ipv4.conf.eth0/1.rp_filter` → its file; a slash in an interface's name is written as a dot is in sysctl(8). */
const pathOf = (root: string, name: string): string =>
  join(root, ...name.split('.').map((part) => part.replaceAll('/', '.')));

/** The value without its newline; undefined when this kernel has no such setting. */
export async function readSysctl(name: string, root = '/proc/sys'): Promise<string | undefined> {
  try {
    return (await readFile(pathOf(root, name), 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Sets what differs; never throws for a setting that this kernel lacks or will not change. */
export async function writeSysctls(
  settings: Readonly<Record<string, string>>,
  root = '/proc/sys',
): Promise<SysctlResult[]> {
  const results: SysctlResult[] = [];
  for (const [name, value] of Object.entries(settings)) {
    try {
      const now = await readSysctl(name, root);
      if (now === undefined) results.push({ name, outcome: 'missing' });
      else if (now.replaceAll(/\s+/g, ' ') === value) results.push({ name, outcome: 'unchanged' });
      else {
        await writeFile(pathOf(root, name), value);
        results.push({ name, outcome: 'changed' });
      }
    } catch (error) {
      results.push({ name, outcome: 'refused', why: messageOf(error) });
    }
  }
  return results;
}
