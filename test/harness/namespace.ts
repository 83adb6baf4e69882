import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type RunOptions, type RunResult, run } from '../../src/base/run.ts';

/** A set of Linux namespaces kept by one process; when that ends, or this one dies, all in it is gone. */
export interface Namespace {
  readonly pid: number;
  /** Runs a program in it to its end. */
  exec(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program in it. */
  spawn(program: string, args: readonly string[], options?: Parameters<typeof spawn>[2]): ChildProcess;
  close(): Promise<void>;
}

/**
 * Opens network, mount, PID, UTS and IPC namespaces of its own and runs `setup` (shell) in them.
 * `init` is process 1: it takes what is orphaned.
 */
export async function openNamespace(options: {
  setup: string;
  init: readonly string[];
  env?: NodeJS.ProcessEnv;
}): Promise<Namespace> {
  const { setup, init, env = {} } = options;
  const holder = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', '--'],
      ...['unshare', '--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--kill-child', '--mount-proc', '--'],
      ...['sh', '-ec', `${setup}\necho ready\nexec "$@" </dev/null >/dev/null 2>&1`, 'init', ...init],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  const errors: Buffer[] = [];
  holder.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ready = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    once(holder, 'exit').then(() => false),
  ]);
  if (!ready) throw new Error(`a test node’s namespaces could not be set up: ${Buffer.concat(errors)}`);
  const children = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
  const pid = Number(children.trim().split(' ')[0]);
  const enter = ['--target', String(pid), '--net', '--mount', '--pid', '--uts', '--ipc', '--'];
  return {
    pid,
    exec: (program, args, runOptions) => run('nsenter', [...enter, program, ...args], runOptions),
    spawn: (program, args, spawnOptions = {}) => spawn('nsenter', [...enter, program, ...args], spawnOptions),
    async close() {
      if (holder.exitCode !== null || holder.signalCode !== null) return;
      const ended = once(holder, 'exit');
      process.kill(pid, 'SIGKILL');
      await ended;
    },
  };
}
