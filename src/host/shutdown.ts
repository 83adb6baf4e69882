import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { KnarrError } from '../base/errors.ts';
import { type Bus, createBus, plain } from './dbus.ts';

/**
 * Lets a machine that is being switched off wait for us. `hold` delays the shutdown until `release` (at most for as
 * long as logind allows); `onChange` tells when one begins, and when it was called off.
 */
export interface ShutdownWatch {
  hold(why: string): Promise<void>;
  release(): Promise<void>;
  onChange(listener: (shuttingDown: boolean) => void): Promise<() => void>;
  /** Has logind wait for so long, where it would not. Throws KnarrError when it does not. */
  allow(ms: number): Promise<void>;
  close(): void;
}

const login = 'org.freedesktop.login1';
const manager = { path: '/org/freedesktop/login1', interface: `${login}.Manager` };
/** The name that upstream's kubelet uses: the last word counts. */
const dropIn = '/etc/systemd/logind.conf.d/99-kubelet.conf';
const hangUp = 1;

/**
 * The lock of logind is a file descriptor in a D-Bus message, which Node cannot take: systemd's own program holds it,
 * and it is let go when that ends.
 */
export function createShutdownWatch(
  options: { bus?: Bus; program?: string; dropIn?: string; waitMs?: number } = {},
): ShutdownWatch {
  const { bus = createBus(), program = 'systemd-inhibit', waitMs = 100 } = options;
  let release: (() => Promise<void>) | undefined;

  const delayMs = async (): Promise<number> => {
    const [value] = await bus.call({
      destination: login,
      path: manager.path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: [manager.interface, 'InhibitDelayMaxUSec'],
    });
    return Number(plain(value)) / 1000;
  };

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
    onChange: (listener) =>
      bus.listen({ ...manager, member: 'PrepareForShutdown' }, ({ body }) => listener(body[0] === true)),
    async allow(ms) {
      if ((await delayMs()) >= ms) return;
      const seconds = Math.ceil(ms / 1000);
      await writeFileAtomic(options.dropIn ?? dropIn, `[Login]\nInhibitDelayMaxSec=${seconds}\n`);
      await bus.call({
        destination: 'org.freedesktop.systemd1',
        path: '/org/freedesktop/systemd1',
        interface: 'org.freedesktop.systemd1.Manager',
        member: 'KillUnit',
        signature: 'ssi',
        body: ['systemd-logind.service', 'all', hangUp],
      });
      for (let turn = 0, wait = waitMs; turn < 5; turn++, wait *= 2) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        if ((await delayMs()) >= ms) return;
      }
      throw new KnarrError({
        code: 'shutdown-delay',
        blame: 'world',
        message: `logind does not wait ${seconds} s for us at a shutdown: set InhibitDelayMaxSec in logind.conf`,
      });
    },
    close: () => bus.close(),
  };
}
