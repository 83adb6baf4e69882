import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { createBackoff, delay } from '../../base/abort.ts';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { KnarrError, messageOf, systemCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/** Something that runs containerd: a child of ours, or the service manager. */
export interface Runner {
  /** Runs it with the configuration as it is now; one that runs already is kept unless `restart`. Returns when it answers. */
  ensure(restart: boolean): Promise<void>;
  /** Ends our watching; containerd itself goes on, and its containers with it. */
  release(): Promise<void>;
}

export const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    const end = (result: boolean): void => {
      connection.destroy();
      resolve(result);
    };
    connection.once('connect', () => end(true));
    connection.once('error', () => end(false));
  });

export async function untilAnswers(socket: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await answers(socket))) {
    if (signal?.aborted === true) return;
    if (Date.now() > end)
      throw new KnarrError({
        code: 'runtime-silent',
        blame: 'world',
        message: `containerd does not answer on ${socket} after ${timeoutMs / 1000} s; see its log`,
      });
    await delay(25, signal);
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The containerd that an earlier life of this daemon started with this configuration, if it still runs. */
async function adopted(pidFile: string, config: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(pidFile, 'utf8')).trim());
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    return words.includes(config) ? pid : undefined;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

/**
 * containerd as a detached child: it outlives this daemon, which finds it again by its pid file, and is started again
 * when it dies.
 */
export function createChildRunner(options: {
  program: string;
  config: string;
  socket: string;
  pidFile: string;
  logFile: string;
  log: Logger;
}): Runner {
  const { program, config, socket, pidFile, logFile, log } = options;
  const ending = new AbortController();
  let watching: Promise<void> = Promise.resolve();
  let pid: number | undefined;

  const start = async (): Promise<number> => {
    await Promise.all([dirname(logFile), dirname(socket)].map((folder) => mkdir(folder, { recursive: true })));
    await rm(socket, { force: true });
    const output = await open(logFile, 'a');
    try {
      const child = spawn(program, ['--config', config], { detached: true, stdio: ['ignore', output.fd, output.fd] });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref();
      const started = child.pid ?? 0;
      await writeFileAtomic(pidFile, `${started}\n`);
      log.info('containerd started', { pid: started });
      return started;
    } finally {
      await output.close();
    }
  };

  const end = async (running: number): Promise<void> => {
    process.kill(running, 'SIGTERM');
    for (let waited = 0; alive(running) && waited < 10_000; waited += 25) await delay(25);
    if (alive(running)) process.kill(running, 'SIGKILL');
  };

  const watch = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 200, maxMs: 30_000 });
    while (!ending.signal.aborted) {
      await delay(2_000, ending.signal);
      if (ending.signal.aborted || (pid !== undefined && alive(pid))) continue;
      log.warn('containerd has ended and is started again');
      try {
        pid = await start();
        await untilAnswers(socket, 30_000, ending.signal);
      } catch (error) {
        log.error('containerd does not start', { error: messageOf(error) });
        await delay(backoff.next(), ending.signal);
      }
    }
  };

  return {
    async ensure(restart) {
      pid = await adopted(pidFile, config);
      if (pid !== undefined && restart) {
        log.info('containerd is started anew with its new configuration', { pid });
        await end(pid);
        pid = undefined;
      }
      if (pid === undefined) pid = await start();
      else log.info('containerd runs already', { pid });
      await untilAnswers(socket, 30_000);
      watching = watch();
    },
    async release() {
      ending.abort();
      await watching;
    },
  };
}
