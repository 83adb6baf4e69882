import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { cache } from './paths.ts';

// The lock is this shell's: it ends with its standard input, which ends with whoever started it, however that ends.
const hold = `exec 9<>"$1" || exit
flock --nonblock 9 || { echo "waits $(cat <&9)"; flock 9; }
echo "$2" >"$1"
echo held
exec cat >/dev/null`;

/** Does what only one process may do at a time with the file at `path`; tells whom it has to wait for. */
export async function withLock<T>(path: string, note: (text: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const child = spawn('sh', ['-c', hold, 'sh', path, String(process.pid)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  try {
    await held(child.stdout, (other) => note(`waits for another build (process ${other}, ${path})`));
    return await work();
  } finally {
    child.stdin.end();
    await ended;
  }
}

async function held(output: NodeJS.ReadableStream, waiting: (other: string) => void): Promise<void> {
  let said = '';
  for await (const chunk of output) {
    said += String(chunk);
    const other = /^waits (\d*)\n/.exec(said)?.[1];
    if (other !== undefined) {
      waiting(other);
      said = said.slice(said.indexOf('\n') + 1);
    }
    if (said.startsWith('held')) return;
  }
  throw new KnarrError({ code: 'build-lock', blame: 'world', message: 'flock (util-linux) took no lock' });
}

/** The same among all builds of this clone. */
export const withBuildLock = <T>(name: string, note: (text: string) => void, work: () => Promise<T>): Promise<T> =>
  withLock(join(cache, 'locks', name), note, work);
