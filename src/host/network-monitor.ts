import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createBackoff, delay } from '../base/abort.ts';
import type { Component } from '../base/component.ts';
import { KnarrError, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

export type NetworkChange = 'link' | 'address' | 'route' | 'neigh';

/** Tells of every change that the kernel reports; nothing runs between changes but a sleeping `ip monitor`. */
export interface NetworkMonitor extends Component {
  /** Called for each line of the kernel's report; may be called many times for one change. Returns what takes it off. */
  onChange(listener: (change: NetworkChange, line: string) => void): () => void;
}

const labels: Readonly<Record<string, NetworkChange>> = {
  LINK: 'link',
  ADDR: 'address',
  ROUTE: 'route',
  NEIGH: 'neigh',
};

/** `[LINK]Deleted 3: veth0…` → `link`; a continuation line has no label and is none of its own. */
export function changeOf(line: string): NetworkChange | undefined {
  const label = /^\[([A-Z]+)\]/.exec(line)?.[1];
  return label === undefined ? undefined : labels[label];
}

export function createNetworkMonitor(options: {
  log: Logger;
  objects?: readonly NetworkChange[];
  /** What starts the program; a test puts `ip netns exec` before it. */
  command?: readonly string[];
}): NetworkMonitor {
  const { log, objects = ['link', 'address', 'route'], command = ['ip'] } = options;
  const listeners = new Set<(change: NetworkChange, line: string) => void>();
  const lifetime = new AbortController();
  const backoff = createBackoff({ initialMs: 200, maxMs: 30_000 });
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();

  const tell = (change: NetworkChange, line: string): void => {
    for (const listener of listeners) {
      try {
        listener(change, line);
      } catch (error) {
        log.error('a listener failed', { error: messageOf(error) });
      }
    }
  };

  /** Runs the program once; resolves when it has ended. */
  const once = (started: () => void): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const [program = 'ip', ...before] = command;
    const process = spawn(program, [...before, 'monitor', 'label', ...objects], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child = process;
    process.on('spawn', started);
    process.on('error', (error) => {
      log.error('ip monitor cannot be run', { error: error.message });
      resolve();
    });
    process.on('close', () => resolve());
    createInterface({ input: process.stdout }).on('line', (line) => {
      const change = changeOf(line);
      if (change !== undefined) tell(change, line);
    });
    return promise;
  };

  return {
    name: 'network-monitor',
    async start() {
      const up = Promise.withResolvers<void>();
      ended = (async () => {
        while (!lifetime.signal.aborted) {
          await once(up.resolve);
          up.reject(new KnarrError({ code: 'no-ip', blame: 'world', message: 'Install iproute2: `ip` cannot be run' }));
          if (lifetime.signal.aborted) return;
          log.warn('ip monitor ended and is started again');
          await delay(backoff.next(), lifetime.signal);
          // What changed in between is not known: say that everything may have.
          for (const object of objects) tell(object, '');
        }
      })();
      await up.promise;
    },
    async stop() {
      lifetime.abort();
      child?.kill('SIGTERM');
      await ended;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
