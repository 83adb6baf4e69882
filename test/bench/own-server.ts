import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, clone } from '../../images/tools/paths.ts';
import { testFolder } from '../harness/folder.ts';

/** A control plane of this clone, for measuring: no node, its data in a folder of this clone. */
export interface OwnServer {
  readonly kubeconfig: string;
  readonly pid: number;
  /** From starting the process to `/readyz` saying ok. */
  readonly readySeconds: number;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
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
      call.on('error', () => resolve(false));
      call.end();
    });
  const end = performance.now() + 60_000;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error('the server was not ready after 60 s');
    if (child.exitCode !== null) throw new Error('the server ended before it was ready');
    await sleep(5);
  }
}

export async function startOwnServer(): Promise<OwnServer> {
  const folder = await testFolder('bench');
  const kubeconfig = join(folder, 'kubeconfig');
  const port = await freePort();
  const args = [
    ...['server', '--disable-agent', '--data-dir', folder, '--https-listen-port', String(port)],
    ...['--bind-address', '127.0.0.1', '--write-kubeconfig', kubeconfig, '--log', join(folder, 'log')],
  ];
  const begun = performance.now();
  // An empty datastore, but a program that has run before: what an upgrade or a reboot finds.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(build, 'test/compiled') };
  const child = spawn(process.execPath, [join(clone, 'src/cli/main.ts'), ...args], { stdio: 'ignore', env });
  try {
    await untilReady(port, child);
  } catch (error) {
    child.kill('SIGKILL');
    const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
    await rm(folder, { recursive: true, force: true });
    throw new Error(`${(error as Error).message}: ${log.split('\n').slice(-5).join(' ')}`, { cause: error });
  }
  const readySeconds = (performance.now() - begun) / 1000;
  while ((await readFile(kubeconfig).catch(() => undefined)) === undefined) await sleep(5);
  return {
    kubeconfig,
    pid: child.pid ?? 0,
    readySeconds,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
