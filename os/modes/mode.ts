import { readFile } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import { splitCommandLine } from '../../cloud-config/kernel-arguments.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';

/**
 * What a machine does once it has started, by k3OS's names:
 *
 *   disk     runs from its disk; /var is kept there
 *   live     runs from a medium or from the network; /var is in memory and gone with the power
 *   install  as live, but no node: it only installs itself on a disk
 *   local    runs from a folder of another system's disk (the root tree unpacked there); everything is kept there
 *   shell    a shell in the initial RAM disk first, then as disk
 *   rescue   a shell of root on the console; no node, no containers, /var is only read
 */
export const modes = ['disk', 'live', 'install', 'local', 'shell', 'rescue'] as const;
export type Mode = (typeof modes)[number];

/** Files with the mode of this boot, the second under k3OS's name. */
export const modeFile = '/run/knarr/mode';
const k3osModeFile = '/run/k3os/mode';

const isMode = (word: string | undefined): word is Mode => modes.some((mode) => mode === word);

/** The value of the last word with one of the names. */
const last = (words: readonly string[], ...names: string[]): string | undefined =>
  words.findLast((word) => names.some((name) => word.startsWith(`${name}=`)))?.replace(/^[^=]*=/, '');

/** Where the root and /var are, as the initial RAM disk left them. */
export interface Started {
  /** `erofs` or `squashfs`: of an image; anything else: a folder of another system. */
  readonly rootType: string;
  /** `tmpfs`: in memory. */
  readonly varType: string;
}

/**
 * The mode: what the kernel's command line names (`knarr.mode`, or k3OS's `k3os.mode`), else how the machine was
 * started; `k3os.fallback_mode` counts for a machine that would be live. `problem` says what was wrong with a name.
 */
export function modeOf(commandLine: string, { rootType, varType }: Started): { mode: Mode; problem?: string } {
  const words = splitCommandLine(commandLine);
  const named = last(words, 'knarr.mode', 'k3os.mode');
  const started: Mode = !['erofs', 'squashfs'].includes(rootType) ? 'local' : varType === 'tmpfs' ? 'live' : 'disk';
  if (isMode(named)) return { mode: named };
  const fallback = last(words, 'k3os.fallback_mode');
  const mode = started === 'live' && isMode(fallback) ? fallback : started;
  return named === undefined
    ? { mode }
    : { mode, problem: `there is no mode ${JSON.stringify(named)}: ${modes.join(', ')}; this is ${mode}` };
}

/** The file system type of what is mounted on a path; of `/` when nothing is. */
export function typeOfMount(mountinfo: string, path: string): string {
  const typeAt = (point: string): string | undefined =>
    mountinfo
      .split('\n')
      .findLast((line) => line.split(' ')[4] === point)
      ?.split(' - ')[1]
      ?.split(' ')[0];
  return typeAt(path) ?? typeAt('/') ?? '';
}

/** The mode of this boot, from the kernel. */
export async function findMode(host: Host): Promise<ReturnType<typeof modeOf>> {
  const read = (path: string): Promise<string> => readFile(host.path(path), 'utf8').catch(() => '');
  const mounts = await read('/proc/self/mountinfo');
  return modeOf(await read('/proc/cmdline'), {
    rootType: typeOfMount(mounts, '/'),
    varType: typeOfMount(mounts, '/var'),
  });
}

export async function writeMode(host: Host, mode: Mode): Promise<void> {
  for (const path of [modeFile, k3osModeFile]) await writeFileAtomic(host.path(path), `${mode}\n`);
}

/** Keys of the configuration that are for a machine that does its work, not for one that is installed or mended. */
const ofAnotherMachine: ReadonlySet<string> = new Set([
  'init_cmd',
  'boot_cmd',
  'run_cmd',
  'write_files',
  'users',
  'registries',
  'swap',
  'mounts',
  'k3os.install',
  'k3os',
]);

/** Whether a boot in this mode applies a key. */
export const applies = (mode: Mode, key: string): boolean =>
  (mode !== 'install' && mode !== 'rescue') || !ofAnotherMachine.has(key);
