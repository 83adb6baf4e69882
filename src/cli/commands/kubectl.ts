import { access } from 'node:fs/promises';
import { createPaths, defaultDataDir } from '../../daemon/paths.ts';
import { runProgram } from './program.ts';

/** `$KUBECONFIG`, else the administrator's kubeconfig of this server. */
export async function run(args: readonly string[]): Promise<number> {
  const { kubeconfig } = createPaths(defaultDataDir());
  const present = await access(kubeconfig).then(
    () => true,
    () => false,
  );
  const env = process.env.KUBECONFIG === undefined && present ? { KUBECONFIG: kubeconfig } : {};
  return runProgram('kubectl', args, env);
}
