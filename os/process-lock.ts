import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KnarrError } from '../src/base/errors.ts';

/** flock's word for it. */
const busy = 75;

/**
 * Takes what only one process may do at a time, and one part of a process. Whoever has it is waited for, at most
 * `waitSeconds`; then throws KnarrError `busy`. Resolves with what gives it back.
 */
export async function createProcessLock(path: string, what: string, waitSeconds = 0): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const options = ['--no-fork', `--timeout=${waitSeconds}`, `--conflict-exit-code=${busy}`];
  // The lock is cat's, which says what it is told once it has it; it ends with its input, that is with us, however we end.
  const child = spawn('flock', [...options, path, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.write('held');
  const ended = once(child, 'close');
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text;
  });
  const [said] = await Promise.race([once(child.stdout, 'data'), ended]);
  if (said instanceof Buffer)
    return async () => {
      child.stdin.end();
      await ended;
    };
  throw said === busy
    ? new KnarrError({ code: 'busy', blame: 'user', message: `${what} is under way already` })
    : new KnarrError({ code: 'lock', blame: 'world', message: `${path} cannot be locked: ${complaint.trim()}` });
}
