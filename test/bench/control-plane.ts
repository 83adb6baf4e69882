import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/base/errors.ts';
import { cpuSeconds, residentMb } from './processes.ts';

/** A running control plane: API server, store, controllers and scheduler, in one process or in several. */
export interface ControlPlane {
  readonly name: string;
  readonly kubeconfig: string;
  readonly pids: readonly number[];
  /** From starting the first process to `/readyz` saying ok. */
  readonly readySeconds: number;
  stop(): Promise<void>;
}

export const residentMbOf = async ({ pids }: ControlPlane): Promise<number> =>
  (await Promise.all(pids.map(residentMb))).reduce((sum, mb) => sum + mb, 0);

export const cpuSecondsOf = async ({ pids }: ControlPlane): Promise<number> =>
  (await Promise.all(pids.map(cpuSeconds))).reduce((sum, seconds) => sum + seconds, 0);

/** Stands still, so that another one is measured alone; `go` it before anything is asked of it. */
export function halt({ pids }: ControlPlane): void {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
}

export function go({ pids }: ControlPlane): void {
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

const patienceMs = 180_000;

/** Until `/readyz` on a local port says ok. Throws after three minutes, or when `ended` says why there is nothing to wait for. */
export async function untilReady(port: number, ended: () => string | undefined): Promise<void> {
  const { request } = await import('node:https');
  const ask = (): Promise<boolean> =>
    new Promise((resolve) => {
      const call = request(
        { port, path: '/readyz', rejectUnauthorized: false, agent: false, timeout: 2_000 },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode === 200);
        },
      );
      call.on('timeout', () => call.destroy());
      call.on('error', () => resolve(false));
      call.end();
    });
  const end = performance.now() + patienceMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`the server was not ready after ${patienceMs / 1000} s`);
    const why = ended();
    if (why !== undefined) throw new Error(why);
    await sleep(5);
  }
}

/** Runs `work` with every control plane that `starts` begin, and stops them all whatever comes of it. */
export async function withControlPlanes<T>(
  starts: readonly (() => Promise<ControlPlane>)[],
  work: (planes: readonly ControlPlane[]) => Promise<T>,
): Promise<T> {
  const planes: ControlPlane[] = [];
  try {
    for (const start of starts) planes.push(await start());
    return await work(planes);
  } finally {
    for (const plane of planes) {
      go(plane);
      await plane.stop().catch((error: unknown) => process.stderr.write(`${plane.name}: ${messageOf(error)}\n`));
    }
  }
}
