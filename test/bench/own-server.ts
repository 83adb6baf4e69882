import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProgress } from '../../images/setup/progress.ts';
import { runStage } from '../../images/stage.ts';
import { build, clone, hostArch } from '../../images/tools/paths.ts';
import { testFolder } from '../harness/folder.ts';
import { type ControlPlane, freePort, untilReady } from './control-plane.ts';

/** A control plane of this clone in a process of its own: no node, its data in a folder of this clone. */
export interface OwnServer extends ControlPlane {
  /** Its data directory. */
  readonly folder: string;
}

/** What is started: the sources, or the bundle that is shipped. */
type Program = readonly string[];

const sources: Program = [join(clone, 'src/cli/main.ts')];

/** The daemon as it is shipped, bundled from this clone; made where it has changed. */
async function bundled(): Promise<Program> {
  const { bundleStage, nodeFlag } = await import('../../images/stages/bundle.ts');
  const folder = await runStage(bundleStage(hostArch), createProgress(process.stderr));
  return [nodeFlag, join(folder, 'knarr.mjs')];
}

/** Made once a run, whatever happens to the clone meanwhile. */
let shipped: Promise<Program> | undefined;

/** From the sources, with more arguments. */
export const startOwnServer = (...more: readonly string[]): Promise<OwnServer> => start(sources, more);

/** What people run. */
export async function startShippedServer(): Promise<OwnServer> {
  shipped ??= bundled();
  return start(await shipped, []);
}

async function start(program: Program, more: readonly string[]): Promise<OwnServer> {
  const folder = await testFolder('bench');
  const kubeconfig = join(folder, 'kubeconfig');
  const port = await freePort();
  const args = [
    ...['server', '--disable-agent', '--data-dir', folder, '--https-listen-port', String(port)],
    ...['--bind-address', '127.0.0.1', '--write-kubeconfig', kubeconfig, '--log', join(folder, 'log')],
    ...more,
  ];
  const begun = performance.now();
  // An empty datastore, but a program that has run before: what an upgrade or a reboot finds.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(build, 'test/compiled') };
  const child = spawn(process.execPath, [...program, ...args], { stdio: 'ignore', env });
  try {
    await untilReady(port, () => (child.exitCode === null ? undefined : 'the server ended before it was ready'));
  } catch (error) {
    child.kill('SIGKILL');
    const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
    await rm(folder, { recursive: true, force: true });
    throw new Error(`${(error as Error).message}: ${log.split('\n').slice(-5).join(' ')}`, { cause: error });
  }
  const readySeconds = (performance.now() - begun) / 1000;
  while ((await readFile(kubeconfig).catch(() => undefined)) === undefined) await sleep(5);
  return {
    name: 'knarr',
    kubeconfig,
    folder,
    pids: [child.pid ?? 0],
    readySeconds,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
