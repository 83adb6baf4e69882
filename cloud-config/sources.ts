import { readFile } from 'node:fs/promises';
import type { Host } from './host.ts';
import { parseKernelArguments } from './kernel-arguments.ts';
import type { Parsed } from './parse.ts';
import { readFiles } from './sources/files.ts';
import { readNoCloud } from './sources/nocloud.ts';

/** A place that a configuration comes from. */
interface Source {
  name: string;
  read(host: Host): Promise<Parsed[]>;
}

/** Every source, weakest first. */
export const sources: readonly Source[] = [
  { name: 'files', read: readFiles },
  { name: 'NoCloud', read: readNoCloud },
  {
    name: 'kernel command line',
    read: async (host) => [parseKernelArguments(await readFile(host.path('/proc/cmdline'), 'utf8'))],
  },
];
