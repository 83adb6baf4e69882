import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Cluster } from './node-identity.ts';

/** The servers of the cluster, asked for every half minute. */
export interface ServerWatch extends Component {
  /** `host:port`, the one that the agent was given first. */
  readonly servers: readonly string[];
  subscribe(listener: (servers: readonly string[]) => void): void;
}

const intervalMs = 30_000;

export function createServerWatch(options: {
  cluster: Cluster;
  /** The server that the agent was given: kept, for it may be an address that leads to all of them. */
  fixed: string;
  onChange(servers: readonly string[]): Promise<void>;
  log: Logger;
}): ServerWatch {
  const { cluster, fixed, log } = options;
  let servers: readonly string[] = [fixed];
  const listeners: ((servers: readonly string[]) => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    try {
      const announced = await cluster.apiServers();
      const next = [...new Set([fixed, ...announced])];
      if (next.join() === servers.join()) return;
      servers = next;
      await options.onChange(next);
      for (const listener of listeners) listener(next);
    } catch (error) {
      log.debug('the servers could not be asked for', { error: messageOf(error) });
    }
  };

  return {
    name: 'server-watch',
    get servers() {
      return servers;
    },
    subscribe(listener) {
      listeners.push(listener);
    },
    async start() {
      await look();
      timer = setInterval(() => void look(), intervalMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
    },
  };
}
