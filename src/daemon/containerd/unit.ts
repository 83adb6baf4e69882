import type { Logger } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import { createSystemd } from '../../host/systemd.ts';
import { type Runner, untilAnswers } from './process.ts';

const unit = 'containerd.service';
const jobLimitMs = 90_000;
/** A small machine with much to do at once. */
const answerLimitMs = 120_000;

/** Whether the service manager has a containerd unit that uses our configuration: on the appliance it does. */
export async function hasOwnUnit(config: string): Promise<boolean> {
  try {
    const { stdout } = await run('systemctl', ['show', '--property=ExecStart', unit], { timeoutMs: 10_000 });
    return stdout.includes(config);
  } catch {
    return false;
  }
}

/** containerd as a unit of its own: it lives and dies apart from this daemon, and the service manager keeps it alive. */
export function createUnitRunner(options: { socket: string; log: Logger }): Runner {
  const { socket, log } = options;
  return {
    async ensure(restart) {
      const systemd = createSystemd();
      try {
        log.info(restart ? 'containerd is started with its new configuration' : 'containerd is started', { unit });
        await (restart ? systemd.restartUnit(unit, jobLimitMs) : systemd.startUnit(unit, jobLimitMs));
      } finally {
        systemd.close();
      }
      await untilAnswers(socket, answerLimitMs);
    },
    async release() {},
  };
}
