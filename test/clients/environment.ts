import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { startOwnServer } from '../bench/own-server.ts';
import { startHollowNodes } from '../upstream/hollow-nodes.ts';

const execute = promisify(execFile);

/** A control plane with nodes that run pods in word only, for programs that are given its kubeconfig. */
export interface ClientEnvironment extends AsyncDisposable {
  readonly kubeconfig: string;
  readonly folder: string;
  /** Runs a program to its end; its output. Throws with the output when it fails. */
  run(
    program: string,
    args: readonly string[],
    options?: { cwd?: string; env?: Record<string, string> },
  ): Promise<string>;
}

export async function startClientEnvironment(): Promise<ClientEnvironment> {
  const server = await startOwnServer('--disable=servicelb');
  const transport = createHttpTransport(await loadKubeconfig(server.kubeconfig));
  const nodes = await startHollowNodes(createClient(transport));
  return {
    kubeconfig: server.kubeconfig,
    folder: server.folder,
    async run(program, args, options = {}) {
      const env = { ...process.env, ...options.env, KUBECONFIG: server.kubeconfig };
      try {
        const { stdout } = await execute(program, [...args], { cwd: options.cwd, env, maxBuffer: 1 << 26 });
        return stdout;
      } catch (error) {
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
        throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`);
      }
    },
    async [Symbol.asyncDispose]() {
      await nodes.stop();
      transport.close();
      await server.stop();
    },
  };
}

/** Undefined when the command ends well; else why not, in one line. */
export async function whyNot(program: string, args: readonly string[], cwd?: string): Promise<string | undefined> {
  try {
    await execute(program, [...args], { cwd });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return (stderr || message).trim().split('\n').at(-1);
  }
}
