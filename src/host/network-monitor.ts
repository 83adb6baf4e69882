import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { createLineWatch } from './line-watch.ts';

export type NetworkChange = 'link' | 'address' | 'route' | 'neigh';

/** Tells of every change that the kernel reports; nothing runs between changes but a sleeping `ip monitor`. */
export interface NetworkMonitor extends Component {
  /**
   * Called for each line of the kernel's report; may be called many times for one change. An empty line says that
   * changes may have been missed. Returns what takes it off.
   */
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
  const [program = 'ip', ...before] = command;
  const listeners = new Set<(change: NetworkChange, line: string) => void>();

  const tell = (change: NetworkChange, line: string): void => {
    for (const listener of listeners) {
      try {
        listener(change, line);
      } catch (error) {
        log.error('a listener failed', { error: messageOf(error) });
      }
    }
  };
  const watch = createLineWatch({
    command: [program, ...before, 'monitor', 'label', ...objects],
    onLine(line) {
      const change = changeOf(line);
      if (change !== undefined) tell(change, line);
    },
    onGap() {
      for (const object of objects) tell(object, '');
    },
    log,
  });

  return {
    name: 'network-monitor',
    start: () => watch.start(),
    stop: () => watch.stop(),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
