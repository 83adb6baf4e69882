import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { isApiError } from '../../api/status.ts';
import { relayToSocket } from './byte-socket.ts';
import { refusedLog } from './refused-log.ts';

const refused = (status: number, text: string) => refusedLog(status, text, 'a-pod');

const listen = async (server: Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
};
const dial = async ({ port }: { port: number }) => connect({ host: '127.0.0.1', port });

/** A server whose upgrades are answered with what `target` streams; `use` is given its port and what a relay ended with. */
async function between(
  target: RequestListener,
  use: (port: number, relayed: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const back = createServer(target);
  const front = createServer();
  const relayed = Promise.withResolvers<unknown>();
  const backPort = await listen(back);
  front.on('upgrade', (request, socket, head) => {
    const to = {
      dial,
      target: { host: '127.0.0.1', port: backPort, tls: undefined },
      path: '/log?follow=true',
      refused,
    };
    relayToSocket({ request, socket, head }, to).then(
      () => relayed.resolve(undefined),
      (error: unknown) => {
        relayed.resolve(error);
        socket.destroy();
      },
    );
  });
  try {
    await use(await listen(front), relayed.promise);
  } finally {
    for (const server of [front, back]) {
      server.close();
      server.closeAllConnections();
    }
  }
}

async function messages(port: number, protocols: string[]): Promise<{ protocol: string; parts: [boolean, string][] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols);
  const parts: [boolean, string][] = [];
  socket.on('message', (data, binary) => parts.push([binary, String(data)]));
  await once(socket, 'close');
  return { protocol: socket.protocol, parts };
}

describe('bytes over a WebSocket', () => {
  const target: RequestListener = (request, response) => response.end(`${request.method} ${request.url}`);
  const bytes = 'GET /log?follow=true';

  it('come as they are, after an empty message, and end with the socket', async () => {
    await between(target, async (port) => {
      const expected: [boolean, string][] = [
        [true, ''],
        [true, bytes],
      ];
      assert.deepEqual(await messages(port, ['binary.k8s.io']), { protocol: 'binary.k8s.io', parts: expected });
      assert.deepEqual((await messages(port, [])).parts, expected);
    });
  });

  it('come in base64 where that is what the client reads', async () => {
    await between(target, async (port) => {
      const { protocol, parts } = await messages(port, ['unknown', 'base64.binary.k8s.io']);
      assert.equal(protocol, 'base64.binary.k8s.io');
      assert.deepEqual(parts, [
        [false, ''],
        [false, Buffer.from(bytes).toString('base64')],
      ]);
    });
  });

  it('are not promised by a target that refuses', async () => {
    await between(
      (_, response) => response.writeHead(400).end('no such container'),
      async (port, relayed) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
        await once(socket, 'error');
        const error = await relayed;
        assert.ok(isApiError(error, 'BadRequest') && error.message === 'no such container');
      },
    );
  });
});
