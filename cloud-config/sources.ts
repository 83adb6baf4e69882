import { readFile } from 'node:fs/promises';
import type { Host } from './host.ts';
import { parseKernelArguments } from './kernel-arguments.ts';
import type { Parsed } from './parse.ts';
import { readCloud } from './sources/cloud.ts';
import { readFiles } from './sources/files.ts';

/** A place that a configuration comes from. */
interface Source {
  name: string;
  read(host: Host): Promise<Parsed[]>;
}

const readArguments = async (host: Host): Promise<Parsed[]> => [
  parseKernelArguments(await readFile(host.path('/proc/cmdline'), 'utf8')),
];

/** Every source, weakest first. */
export const sources: readonly Source[] = [
  { name: 'files', read: readFiles },
  {
    name: 'cloud',
    read: async (host) => readCloud(host, [...(await readFiles(host)), ...(await readArguments(host).catch(() => []))]),
  },
  { name: 'kernel command line', read: readArguments },
];
