import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../../src/base/errors.ts';
import type { Host } from '../host.ts';
import { type Parsed, parseCloudConfig } from '../parse.ts';

/** The file that belongs to the machine's owner. */
export const mainFile = '/var/lib/rancher/k3os/config.yaml';
/** Files of the machine itself, weakest first: in the image, in /var, and beside that in config.d. */
const main = ['/usr/share/knarr/config.yaml', mainFile];
const dropIns = '/var/lib/rancher/k3os/config.d';

export async function readFiles(host: Host): Promise<Parsed[]> {
  const extra = (await readdir(host.path(dropIns)).catch(() => []))
    .filter((name) => /^[^.]+$|\.ya?ml$/.test(name))
    .sort();
  const found: Parsed[] = [];
  for (const path of [...main, ...extra.map((name) => join(dropIns, name))]) {
    try {
      found.push(parseCloudConfig(path, await readFile(host.path(path), 'utf8')));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT')
        found.push({ config: {}, problems: [{ source: path, key: '', message: messageOf(error) }] });
    }
  }
  return found;
}
