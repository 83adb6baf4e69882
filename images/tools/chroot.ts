import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run } from '../../src/base/run.ts';
import { build, hostArch, toolsTree } from './paths.ts';
import { buildPatienceMs } from './patient-run.ts';

// The mounts live in a mount namespace of the program's own: they end with it, however it ends.
const enter = [
  'set -e',
  'root=$1 build=$2',
  'mount --bind /dev "$root/dev"',
  'mount -t proc proc "$root/proc"',
  'mount -t tmpfs tmpfs "$root/tmp"',
  'mkdir -p "$root$build"',
  'mount --bind "$build" "$root$build"',
  'shift 2',
  'exec chroot "$root" "$@"',
].join('\n');

/** Runs a program of the tools tree in the tree, with /proc, /dev, an empty /tmp and the build folder at its own path. */
export async function runInTools(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const folder = await realpath(build);
  const env = { PATH: '/usr/sbin:/usr/bin', LANG: 'C.UTF-8', HOME: '/tmp', ...options.env };
  return run(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', enter, 'sh', toolsTree, folder, program, ...args],
    {
      timeoutMs: buildPatienceMs,
      ...options,
      env: { ...env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` },
    },
  );
}

const triplet = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[hostArch];
const loader = { amd64: 'usr/lib64/ld-linux-x86-64.so.2', arm64: 'usr/lib/ld-linux-aarch64.so.1' }[hostArch];

/**
 * The same programs run directly on this machine, by the tree's own dynamic loader: for those that only need their
 * libraries. Gives the program and the arguments to put before one's own.
 */
export function direct(program: string): {
  program: string;
  args: string[];
  env: Record<string, string>;
  /** Where a file of the tree is. */
  tree(path: string): string;
} {
  const libraries = join(toolsTree, 'usr/lib', triplet);
  return {
    program: join(toolsTree, loader),
    args: ['--library-path', `${libraries}:${join(libraries, 'systemd')}`, join(toolsTree, program)],
    env: { QEMU_MODULE_DIR: join(libraries, 'qemu') },
    tree: (path) => join(toolsTree, path),
  };
}
