import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Host } from '../host.ts';
import { type Parsed, parseCloudConfig } from '../parse.ts';

/**
 * The label of a file system in the first bytes of a device: ISO 9660's volume identifier, or FAT's label in its boot
 * sector (FAT12/16 at 43, FAT32 at 71); empty where it is neither.
 */
export function volumeLabel(head: Buffer): string {
  const text = (from: number, length: number): string => head.toString('latin1', from, from + length).trim();
  if (text(32769, 5) === 'CD001') return text(32808, 32);
  if (text(54, 3) === 'FAT') return text(43, 11);
  if (text(82, 5) === 'FAT32') return text(71, 11);
  return '';
}

async function labelOf(device: string): Promise<string> {
  const file = await open(device, 'r');
  try {
    const head = Buffer.alloc(34816);
    await file.read(head, 0, head.length, 0);
    return volumeLabel(head);
  } finally {
    await file.close();
  }
}

const mountPoint = '/run/knarr/seed';

/** The NoCloud seed disk: a volume labelled `cidata` with `user-data` and, for the host name, `meta-data`. */
export async function readNoCloud(host: Host): Promise<Parsed[]> {
  for (const name of (await readdir(host.path('/sys/class/block')).catch(() => [])).sort()) {
    const device = host.path(`/dev/${name}`);
    if ((await labelOf(device).catch(() => '')).toLowerCase() !== 'cidata') continue;
    await mkdir(host.path(mountPoint), { recursive: true });
    await host.run('mount', ['-o', 'ro', device, host.path(mountPoint)]);
    try {
      const read = (file: string): Promise<string> =>
        readFile(host.path(join(mountPoint, file)), 'utf8').catch(() => '');
      const meta = await read('meta-data');
      return [parseMetaData(`${name}:/meta-data`, meta), parseUserData(`${name}:/user-data`, await read('user-data'))];
    } finally {
      await host.run('umount', [host.path(mountPoint)]);
    }
  }
  return [];
}

/** User data is a cloud-config, or a script, which runs once the machine is up. */
export function parseUserData(source: string, text: string): Parsed {
  if (text.startsWith('#!')) return { config: { run_cmd: [text] }, problems: [] };
  return parseCloudConfig(source, text);
}

function parseMetaData(source: string, text: string): Parsed {
  try {
    const hostname: unknown = (parse(text) as { 'local-hostname'?: unknown } | null)?.['local-hostname'];
    return { config: typeof hostname === 'string' ? { hostname } : {}, problems: [] };
  } catch {
    return { config: {}, problems: [{ source, key: '', message: 'is not YAML' }] };
  }
}
