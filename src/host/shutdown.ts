import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { KnarrError } from '../base/errors.ts';
import { type Bus, createBus } from './dbus.ts';

/**
 * Lets a machine that is being switched off wait for us. `hold` delays the shutdown until `release` (at most for
 * logind's InhibitDelayMaxSec); `onShutdown` tells when one begins.
 */
export interface ShutdownWatch {
  hold(why: string): Promise<void>;
  release(): Promise<void>;
  onShutdown(listener: () => void): Promise<() => void>;
  close(): void;
}

const login = 'org.freedesktop.login1';

/**
 * The lock of logind is a file descriptor in a D-Bus message, which Node cannot take: systemd's own program holds it,
 * and it is let go when that ends.
 */
export function createShutdownWatch(options: { bus?: Bus; program?: string } = {}): ShutdownWatch {
  const { bus = createBus(), program = 'systemd-inhibit' } = options;
  let release: (() => Promise<void>) | undefined;

  return {
    async hold(why) {
      if (release !== undefined) return;
      const args = ['--what=shutdown', '--mode=delay', '--who=knarr', `--why=${why}`];
      // `cat` ends when its input does: with us, however we end.
      const child = spawn(program, [...args, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
      const ended = new Promise<void>((resolve) => {
        child.on('error', () => resolve());
        child.on('close', () => resolve());
      });
      const held = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
      if (!held)
        throw new KnarrError({
          code: 'no-inhibitor',
          blame: 'world',
          message: 'logind would not delay a shutdown for us',
        });
      release = async () => {
        child.stdin.end();
        await ended;
      };
    },
    async release() {
      const now = release;
      release = undefined;
      await now?.();
    },
    onShutdown: (listener) =>
      bus.listen(
        { path: '/org/freedesktop/login1', interface: `${login}.Manager`, member: 'PrepareForShutdown' },
        ({ body }) => {
          if (body[0] === true) listener();
        },
      ),
    close: () => bus.close(),
  };
}
