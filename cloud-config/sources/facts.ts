import { readFile } from 'node:fs/promises';
import type { Host } from '../host.ts';

const names = [
  'sys_vendor',
  'product_name',
  'product_serial',
  'product_uuid',
  'chassis_asset_tag',
  'bios_version',
] as const;

/** What the firmware says of the machine (DMI), and the kernel's command line; empty where it says nothing. */
export type Facts = Record<(typeof names)[number] | 'cmdline', string>;

export async function readFacts(host: Host): Promise<Facts> {
  const read = (path: string): Promise<string> =>
    readFile(host.path(path), 'utf8').then(
      (value) => value.trim(),
      () => '',
    );
  const pairs = await Promise.all(names.map(async (name) => [name, await read(`/sys/class/dmi/id/${name}`)] as const));
  return { ...Object.fromEntries(pairs), cmdline: await read('/proc/cmdline') } as Facts;
}
