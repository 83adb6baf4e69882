import { readFile } from 'node:fs/promises';
import type { Host } from './host.ts';

/** What the image says of itself: the value of a field of its os-release, undefined where it has none. */
export async function readOsRelease(host: Host): Promise<(field: string) => string | undefined> {
  const text = await readFile(host.path('/usr/lib/os-release'), 'utf8').catch(() => '');
  return (field) => new RegExp(`^${field}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
}
