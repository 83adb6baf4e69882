import { createPaths, defaultDataDir } from '../../daemon/paths.ts';
import { runProgram } from './program.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { containerdSocket } = createPaths(defaultDataDir()).agent;
  return runProgram('ctr', args, {
    CONTAINERD_ADDRESS: process.env.CONTAINERD_ADDRESS ?? containerdSocket,
    CONTAINERD_NAMESPACE: process.env.CONTAINERD_NAMESPACE ?? 'k8s.io',
  });
}
