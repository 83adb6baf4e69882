import { connect, createServer, type Socket } from 'node:net';
import type { Component } from '../base/component.ts';
import { KnarrError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

/** An agent's own way to the servers: a local port whose connections go to the first server that answers. */
export interface LoadBalancer extends Component {
  readonly port: number;
  /** `host:port` of every server known now. Connections to one that is no longer named are closed. */
  setServers(servers: readonly string[]): void;
  /** The servers in the order in which they are tried. */
  readonly servers: readonly string[];
}

export interface LoadBalancerOptions {
  port: number;
  servers: readonly string[];
  /** A server that did not answer is tried last for so long. */
  failedMs?: number;
  connectMs?: number;
  log: Logger;
}

const hostAndPort = (server: string): { host: string; port: number } => {
  const url = new URL(`https://${server}`);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443) };
};

function dial(server: string, connectMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...hostAndPort(server), allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), connectMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

export function createLoadBalancer(options: LoadBalancerOptions): LoadBalancer {
  const { log, failedMs = 10_000, connectMs = 5_000 } = options;
  let servers = [...new Set(options.servers)];
  const failedAt = new Map<string, number>();
  const connections = new Map<Socket, { server: string; remote: Socket }>();

  const isFailed = (server: string): boolean => Date.now() - (failedAt.get(server) ?? -Infinity) < failedMs;
  const order = (): string[] => [...servers].sort((a, b) => Number(isFailed(a)) - Number(isFailed(b)));

  const reach = async (): Promise<{ server: string; remote: Socket } | undefined> => {
    for (const server of order()) {
      try {
        const remote = await dial(server, connectMs);
        if (failedAt.delete(server)) log.info('server answers again', { server });
        return { server, remote };
      } catch (error) {
        if (!isFailed(server)) log.warn('server does not answer', { server, error: (error as Error).message });
        failedAt.set(server, Date.now());
      }
    }
    return undefined;
  };

  const relay = async (local: Socket): Promise<void> => {
    local.on('error', () => local.destroy());
    const reached = await reach();
    if (reached === undefined || local.destroyed) {
      reached?.remote.destroy();
      local.destroy();
      return;
    }
    const { remote } = reached;
    connections.set(local, reached);
    remote.on('error', () => remote.destroy());
    local.on('close', () => {
      connections.delete(local);
      remote.destroy();
    });
    remote.on('close', () => local.destroy());
    local.pipe(remote);
    remote.pipe(local);
  };

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void relay(socket));
  let port = options.port;

  return {
    name: 'load-balancer',
    get port() {
      return port;
    },
    get servers() {
      return order();
    },
    setServers(next) {
      const wanted = [...new Set(next)];
      if (wanted.length === 0 || wanted.join() === servers.join()) return;
      log.info('servers changed', { servers: wanted.join(',') });
      servers = wanted;
      for (const [local, { server }] of connections) if (!wanted.includes(server)) local.destroy();
    },
    start() {
      return new Promise((resolve, reject) => {
        listener.once('error', (cause) =>
          reject(
            new KnarrError({
              code: 'port-taken',
              blame: 'world',
              message: `the load-balancer cannot listen on 127.0.0.1:${options.port}; give another --lb-server-port`,
              cause,
            }),
          ),
        );
        listener.listen(options.port, '127.0.0.1', () => {
          port = (listener.address() as { port: number }).port;
          resolve();
        });
      });
    },
    stop() {
      return new Promise((resolve) => {
        listener.close(() => resolve());
        for (const local of connections.keys()) local.destroy();
      });
    },
  };
}
