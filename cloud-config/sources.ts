import { readFile } from 'node:fs/promises';
import { messageOf } from '../src/base/errors.ts';
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
const sources: readonly Source[] = [
  { name: 'files', read: readFiles },
  {
    name: 'cloud',
    read: async (host) => readCloud(host, [...(await readFiles(host)), ...(await readArguments(host).catch(() => []))]),
  },
  { name: 'kernel command line', read: readArguments },
];

/** Reads every source; what cannot be read is a problem, not an end. */
export async function readAll(host: Host): Promise<Parsed[]> {
  const found: Parsed[] = [];
  for (const source of sources)
    found.push(
      ...(await source
        .read(host)
        .catch((error: unknown) => [
          { config: {}, problems: [{ source: source.name, key: '', message: messageOf(error) }] },
        ])),
    );
  return found;
}
