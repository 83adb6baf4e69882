import { createPaths, defaultDataDir } from '../../daemon/paths.ts';
import { runProgram } from './program.ts';

export async function run(args: readonly string[]): Promise<number> {
  const endpoint = `unix://${createPaths(defaultDataDir()).agent.containerdSocket}`;
  return runProgram('crictl', args, {
    CONTAINER_RUNTIME_ENDPOINT: process.env.CONTAINER_RUNTIME_ENDPOINT ?? endpoint,
    IMAGE_SERVICE_ENDPOINT: process.env.IMAGE_SERVICE_ENDPOINT ?? endpoint,
  });
}
