import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { DnsHandler } from './handler.ts';

export interface DnsServer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface DnsServerOptions {
  addresses: readonly string[];
  port: number;
  handle: DnsHandler;
  log: Logger;
}

/** A connection without a question for this long is closed (RFC 7766 wants seconds). */
const idleMs = 10_000;
const maxConnections = 1000;

/** Answers over UDP and TCP on each address. */
export function createDnsServer(options: DnsServerOptions): DnsServer {
  const { addresses, port, handle, log } = options;
  const udp: UdpSocket[] = [];
  const tcp: Server[] = [];
  const connections = new Set<Socket>();

  const bindUdp = (address: string): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    udp.push(socket);
    socket.once('error', reject);
    socket.on('message', (bytes, from) => {
      if (from.port === 0) return; // nobody to answer to
      void handle(bytes, 'udp').then((answer) => {
        if (answer === undefined || !udp.includes(socket)) return;
        socket.send(answer, from.port, from.address, () => {});
      });
    });
    socket.bind(port, address, () => {
      socket.off('error', reject);
      socket.on('error', (error) => log.warn('a UDP error', { address, error: error.message }));
      resolve();
    });
    return promise;
  };

  const serve = (socket: Socket): void => {
    connections.add(socket);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => connections.delete(socket));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (data) => {
      received = received.length === 0 ? data : Buffer.concat([received, data]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const query = received.subarray(2, end);
        received = received.subarray(end);
        void handle(query, 'tcp').then((answer) => {
          if (answer === undefined || socket.destroyed) return;
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          socket.write(Buffer.concat([length, answer]));
        });
      }
    });
  };

  const bindTcp = (address: string): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const server = createServer({ noDelay: true }, serve);
    server.maxConnections = maxConnections;
    tcp.push(server);
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      server.on('error', (error) => log.warn('a TCP error', { address, error: messageOf(error) }));
      resolve();
    });
    return promise;
  };

  return {
    async start() {
      for (const address of addresses) {
        await bindUdp(address);
        await bindTcp(address);
      }
    },
    async stop() {
      for (const connection of connections) connection.destroy();
      const closings = [
        ...udp.splice(0).map(
          (socket) =>
            new Promise<void>((resolve) => {
              try {
                socket.close(() => resolve());
              } catch {
                resolve(); // it was never bound
              }
            }),
        ),
        ...tcp.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
      ];
      await Promise.all(closings);
    },
  };
}
