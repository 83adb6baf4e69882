import { spawn } from 'node:child_process';
import { KnarrError } from './errors.ts';

export interface RunOptions {
  /** Written to the program's standard input, which is then closed. */
  input?: string | Uint8Array;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** The program is killed after this many milliseconds. Default 120,000. */
  timeoutMs?: number;
  /** Exit codes that are no error. Default: 0 alone. */
  okCodes?: readonly number[];
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** The line that a person can paste into a shell to run the same again. */
export function commandLine(program: string, args: readonly string[]): string {
  return [program, ...args].map((a) => (/^[\w@%+=:,./-]+$/.test(a) ? a : `'${a.replaceAll("'", "'\\''")}'`)).join(' ');
}

/**
 * The one door for subprocesses: runs a program to its end and returns what it printed.
 * Throws a KnarrError `command-failed` (with the command to replay and its standard error) on any other exit code,
 * on a signal, a time-out, or when it cannot be started.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const fail = (why: string, stderr: string, cause?: unknown): void =>
    reject(
      new KnarrError({
        code: 'command-failed',
        blame: 'world',
        message: `${commandLine(program, args)}: ${why}${stderr.trim() === '' ? '' : `: ${stderr.trim()}`}`,
        details: { program, args, why, stderr },
        cause,
      }),
    );
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: options.env ?? process.env,
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  // Node's own time-out outlives a program that could not be started, and this process with it.
  const timeoutMs = options.timeoutMs ?? 120_000;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
    // what it started itself may live on, and hold these open
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, timeoutMs);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin?.on('error', () => {}); // a program that ends before it has read all says so by its exit code
  child.stdin?.end(options.input);
  child.on('error', (error) => {
    clearTimeout(timer);
    fail(error.message, Buffer.concat(err).toString(), error);
  });
  child.on('close', (code, signal) => {
    clearTimeout(timer);
    const stderr = Buffer.concat(err).toString();
    if (late) return fail(`not done after ${timeoutMs / 1000} s`, stderr);
    if (code === null) return fail(`ended by ${signal}`, stderr);
    if (!(options.okCodes ?? [0]).includes(code)) return fail(`exit code ${code}`, stderr);
    resolve({ code, stdout: Buffer.concat(out).toString(), stderr });
  });
  return promise;
}
