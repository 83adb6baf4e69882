import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Dialer } from '../../apiserver/server.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { keepAlive } from './keep-alive.ts';
import { createMultiplexer, type Multiplexer } from './multiplexer.ts';

/** The server's end of the agents' tunnels. */
export interface TunnelServer {
  /** Takes the connection of an agent that has proved to be `nodeName`. */
  accept(nodeName: string, request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Through the node's tunnel when it has one and asks for the node's kubelet, otherwise directly. */
  readonly dial: Dialer;
  readonly nodes: readonly string[];
  stop(): void;
}

const dialTimeoutMs = 10_000;

function dialDirectly(host: string, port: number): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.setTimeout(dialTimeoutMs, () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
  socket.once('connect', () => {
    socket.setTimeout(0);
    resolve(socket);
  });
  socket.once('error', (cause) =>
    reject(
      new KnarrError({
        code: 'dial-failed',
        blame: 'world',
        message: `dial tcp ${host}:${port}: ${messageOf(cause)}`,
        cause,
      }),
    ),
  );
  return promise;
}

export function createTunnelServer(options: { kubeletPort: number; log: Logger }): TunnelServer {
  const { kubeletPort, log } = options;
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
  const tunnels = new Map<string, { multiplexer: Multiplexer; socket: WebSocket }>();

  const adopt = (nodeName: string, socket: WebSocket): void => {
    const multiplexer = createMultiplexer({ send: (message) => socket.send(message) });
    const earlier = tunnels.get(nodeName);
    const tunnel = { multiplexer, socket };
    tunnels.set(nodeName, tunnel);
    earlier?.socket.close(1000, 'replaced');
    keepAlive(socket);
    log.info('tunnel opened', { node: nodeName });
    socket.on('message', (data) => {
      try {
        multiplexer.receive(data as Buffer);
      } catch (error) {
        log.warn('tunnel closed', { node: nodeName, error: messageOf(error) });
        socket.terminate();
      }
    });
    socket.on('error', (error) => log.debug('tunnel failed', { node: nodeName, error: error.message }));
    socket.on('close', () => {
      multiplexer.close(`the tunnel to node ${nodeName} was closed`);
      if (tunnels.get(nodeName) !== tunnel) return;
      tunnels.delete(nodeName);
      log.info('tunnel closed', { node: nodeName });
    });
  };

  return {
    get nodes() {
      return [...tunnels.keys()];
    },
    accept(nodeName, request, socket, head) {
      webSockets.handleUpgrade(request, socket, head, (opened) => adopt(nodeName, opened));
    },
    dial({ host, port, nodeName }) {
      const tunnel = nodeName === undefined ? undefined : tunnels.get(nodeName);
      if (tunnel !== undefined && port === kubeletPort)
        return tunnel.multiplexer.open({ host: '127.0.0.1', port: kubeletPort });
      return dialDirectly(host, port);
    },
    stop() {
      for (const { socket } of tunnels.values()) socket.terminate();
      webSockets.close();
    },
  };
}
