import type { Logger } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import { type Runner, untilAnswers } from './process.ts';

const unit = 'containerd.service';

/** Whether the service manager has a containerd unit that uses our configuration: on the appliance it does. */
export async function hasOwnUnit(config: string): Promise<boolean> {
  try {
    const { stdout } = await run('systemctl', ['show', '--property=ExecStart', unit], { timeoutMs: 10_000 });
    return stdout.includes(config);
  } catch {
    return false;
  }
}

/** containerd as a unit of its own: it lives and dies apart from this daemon. */
export function createUnitRunner(options: { socket: string; log: Logger }): Runner {
  const { socket, log } = options;
  return {
    async ensure(restart) {
      log.info(restart ? 'containerd is started with its new configuration' : 'containerd is started', { unit });
      await run('systemctl', [restart ? 'restart' : 'start', unit], { timeoutMs: 90_000 });
      await untilAnswers(socket, 30_000);
    },
    async release() {},
  };
}
