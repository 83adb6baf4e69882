import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { KnarrError } from '../base/errors.ts';
import { run } from '../base/run.ts';

export interface MountPoint {
  /** Where it is mounted. */
  target: string;
  /** Which part of the file system is mounted there. */
  root: string;
  fsType: string;
  source: string;
  options: readonly string[];
  /** `shared:N`, `master:N`; empty for a private mount. */
  propagation: readonly string[];
}

const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The lines of `/proc/<pid>/mountinfo` (proc(5)), in mount order. */
export function parseMountInfo(text: string): MountPoint[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const words = line.split(' ');
      const dash = words.indexOf('-');
      return {
        root: unescapeOctal(words[3] ?? ''),
        target: unescapeOctal(words[4] ?? ''),
        options: [...(words[5] ?? '').split(','), ...(words[dash + 3] ?? '').split(',')],
        propagation: words.slice(6, dash),
        fsType: words[dash + 1] ?? '',
        source: unescapeOctal(words[dash + 2] ?? ''),
      };
    });
}

export async function listMounts(): Promise<MountPoint[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The mount points at or below `folder`, the deepest first: the order in which they can be taken away. */
export async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = await listMounts();
  return mounts
    .map((m) => m.target)
    .filter((target) => target === folder || target.startsWith(`${folder}/`))
    .reverse();
}

export async function isMountPoint(path: string): Promise<boolean> {
  return (await listMounts()).some((m) => m.target === path);
}

/** Mounts a memory file system on `target`, which is made. */
export async function mountTmpfs(target: string, options: { sizeBytes?: number; mode?: number } = {}): Promise<void> {
  await mkdir(target, { recursive: true });
  const flags = [
    ...(options.sizeBytes ? [`size=${options.sizeBytes}`] : []),
    ...(options.mode === undefined ? [] : [`mode=${options.mode.toString(8)}`]),
  ];
  await run('mount', ['-t', 'tmpfs', ...(flags.length > 0 ? ['-o', flags.join(',')] : []), 'tmpfs', target]);
}

/** Takes the mount away, lazily when it is in use; nothing happens when there is none. */
export async function unmount(target: string): Promise<void> {
  if (!(await isMountPoint(target))) return;
  try {
    await run('umount', [target]);
  } catch {
    await run('umount', ['-l', target]);
  }
}

/** Takes away every mount at or below `folder`. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const target of await mountsBelow(folder)) await unmount(target);
}

/**
 * Binds `path` (relative, below `root`) to `target` so that no symbolic link on the way can lead outside `root`, even
 * one that is put there meanwhile: each step is opened without following links and what was opened is what is bound.
 * A link on the way is refused (`subpath-escapes`): callers resolve links first.
 */
export async function bindBelow(options: { root: string; path: string; target: string }): Promise<void> {
  const { root, path, target } = options;
  const { handle, isDirectory } = await openBelow(root, path);
  try {
    await mkdir(isDirectory ? target : target.slice(0, target.lastIndexOf('/')), { recursive: true });
    if (!isDirectory) await (await open(target, 'a', 0o640)).close();
    await run('mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${handle.fd}`, target]);
  } finally {
    await handle.close();
  }
}

const escapes = (root: string, path: string): KnarrError =>
  new KnarrError({ code: 'subpath-escapes', blame: 'user', message: `${path} leads outside ${root}` });

/** O_PATH is not among Node's constants. */
const oPath = 0o10000000;

async function openBelow(root: string, path: string): Promise<{ handle: FileHandle; isDirectory: boolean }> {
  const steps = path.split('/').filter((step) => step !== '' && step !== '.');
  if (steps.includes('..')) throw escapes(root, path);
  let handle = await open(root, oPath | constants.O_DIRECTORY);
  try {
    for (const step of steps) {
      const next = await open(`/proc/self/fd/${handle.fd}/${step}`, oPath | constants.O_NOFOLLOW);
      await handle.close();
      handle = next;
      if ((await handle.stat()).isSymbolicLink()) throw escapes(root, path);
    }
    return { handle, isDirectory: (await handle.stat()).isDirectory() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
