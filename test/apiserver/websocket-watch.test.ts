import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startServer } from './start-server.ts';

test('a watch over a WebSocket sends a message for each event', async () => {
  await using server = await startServer({ store: 'memory' });
  const socket = new WebSocket(
    `${server.url.replace('https', 'wss')}/api/v1/namespaces?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Ddefault`,
    { ca: server.ca, headers: { authorization: `Bearer ${server.token}` } },
  );
  const events: string[] = [];
  socket.on('message', (data, binary) => {
    const { type, object } = JSON.parse(String(data)) as { type: string; object: { metadata: { name: string } } };
    events.push(`${type} ${object.metadata.name}${binary ? ' as bytes' : ''}`);
  });
  const [code] = (await once(socket, 'close')) as [number];
  assert.deepEqual({ events, code }, { events: ['ADDED default'], code: 1000 });
});

test('whoever asks for protobuf gets each event as a message of bytes', async () => {
  await using server = await startServer({ store: 'memory' });
  const socket = new WebSocket(
    `${server.url.replace('https', 'wss')}/api/v1/namespaces?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Ddefault`,
    {
      ca: server.ca,
      headers: {
        authorization: `Bearer ${server.token}`,
        accept: 'application/vnd.kubernetes.protobuf;stream=watch',
      },
    },
  );
  const events: string[] = [];
  socket.on('message', (data: Buffer, binary) => {
    const [, length = 0] = data;
    const object = data.indexOf('k8s\0');
    events.push(
      `${data.toString('latin1', 2, 2 + length)} ${binary} ${object > 0 && data.includes('Namespace', object)}`,
    );
  });
  await once(socket, 'close');
  assert.deepEqual(events, ['ADDED true true']);
});
