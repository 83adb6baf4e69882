import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { createBackoff, delay } from '../../base/abort.ts';
import type { Component } from '../../base/component.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { keepAlive } from './keep-alive.ts';
import { createMultiplexer, type Target } from './multiplexer.ts';

export interface TunnelClientOptions {
  /** `https://host:port` of one server. */
  server: string;
  ca: string;
  /** The node's client certificate as it is now. */
  certificate(): { cert: string; key: string };
  /** The one local port that the server may reach. */
  kubeletPort: number;
  log: Logger;
}

const dialKubelet = (port: number): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });

/** Keeps one tunnel to one server open for as long as it runs; dials again when it is lost. */
export function createTunnelClient(options: TunnelClientOptions): Component {
  const { server, ca, kubeletPort, log } = options;
  const ending = new AbortController();
  let current: WebSocket | undefined;
  let running: Promise<void> = Promise.resolve();

  const dial = ({ port }: Target): Promise<Duplex> =>
    port === kubeletPort
      ? dialKubelet(port)
      : Promise.reject(
          new KnarrError({
            code: 'tunnel-target-refused',
            blame: 'user',
            message: `the tunnel leads to port ${kubeletPort} alone, not to ${port}`,
          }),
        );

  /** Resolves when the connection has ended; with whether it had been open. */
  const once = (): Promise<boolean> =>
    new Promise((resolve) => {
      let opened = false;
      const socket = new WebSocket(`${server.replace(/^http/, 'ws')}/v1-k3s/connect`, {
        ca,
        ...options.certificate(),
        perMessageDeflate: false,
        maxPayload: 1 << 20,
        handshakeTimeout: 10_000,
      });
      current = socket;
      const multiplexer = createMultiplexer({ send: (message) => socket.send(message), dial });
      socket.on('open', () => {
        opened = true;
        keepAlive(socket);
        log.info('tunnel opened', { server });
      });
      socket.on('message', (data) => {
        try {
          multiplexer.receive(data as Buffer);
        } catch (error) {
          log.warn('tunnel closed', { server, error: messageOf(error) });
          socket.terminate();
        }
      });
      socket.on('error', (error) => log.warn('tunnel failed', { server, error: error.message }));
      socket.on('close', () => {
        multiplexer.close('the tunnel was closed');
        resolve(opened);
      });
    });

  const loop = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 500, maxMs: 15_000 });
    while (!ending.signal.aborted) {
      if (await once()) backoff.reset();
      await delay(backoff.next(), ending.signal);
    }
  };

  return {
    name: `tunnel to ${server}`,
    async start() {
      running = loop();
    },
    async stop() {
      ending.abort();
      current?.terminate();
      await running;
    },
  };
}
