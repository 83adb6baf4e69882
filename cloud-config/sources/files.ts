import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host.ts';
import { type Parsed, parseCloudConfig } from '../parse.ts';

/** Files of the machine itself, weakest first: in the image, in /var, and beside that in config.d. */
const main = ['/usr/share/knarr/config.yaml', '/var/lib/rancher/k3os/config.yaml'];
const dropIns = '/var/lib/rancher/k3os/config.d';

export async function readFiles(host: Host): Promise<Parsed[]> {
  const extra = (await readdir(host.path(dropIns)).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
  const found: Parsed[] = [];
  for (const path of [...main, ...extra.map((name) => join(dropIns, name))]) {
    const text = await readFile(host.path(path), 'utf8').catch(() => undefined);
    if (text !== undefined) found.push(parseCloudConfig(path, text));
  }
  return found;
}
