import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { run } from '../base/run.ts';

/**
 * Tells the service manager about our state (sd_notify) when it asked for it. Node has no datagram sockets in the Unix
 * domain, so systemd's own program carries it: the unit needs NotifyAccess=all. A failure is logged, nothing more.
 */
export async function notifySystemd(state: 'READY=1' | 'STOPPING=1', log: Logger): Promise<void> {
  if (process.env.NOTIFY_SOCKET === undefined) return;
  try {
    await run('systemd-notify', [`--pid=${process.pid}`, state], { timeoutMs: 10_000 });
  } catch (error) {
    log.warn('systemd could not be told', { state, error: messageOf(error) });
  }
}
