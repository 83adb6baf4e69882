import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../base/eventually.ts';
import { createMultiplexer, type Multiplexer, type Target } from './multiplexer.ts';

/** Two ends of one channel. */
function pair(dial: (target: Target) => Promise<Socket>): { near: Multiplexer; far: Multiplexer } {
  const near: Multiplexer = createMultiplexer({ send: (m) => void setImmediate(() => far.receive(Buffer.from(m))) });
  const far: Multiplexer = createMultiplexer({
    dial,
    send: (m) => void setImmediate(() => near.receive(Buffer.from(m))),
  });
  return { near, far };
}

const dial = (target: Target): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ ...target, allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });

async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<Target> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port };
}

test('bytes go through unchanged, in both directions and many streams at once, each end by itself', async (t) => {
  const target = await listen(t, (socket) => socket.pipe(socket));
  const { near, far } = pair(dial);
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const sent = randomBytes(1_500_000);
      const stream = await near.open(target);
      stream.end(sent);
      const digest = createHash('sha256');
      for await (const chunk of stream) digest.update(chunk as Buffer);
      assert.equal(digest.digest('hex'), createHash('sha256').update(sent).digest('hex'));
    }),
  );
  await eventually('the end of all streams', () => assert.deepEqual([near.streams, far.streams], [0, 0]));
});

test('a reader that does not read stops the writer after one window', async (t) => {
  let received = 0;
  const target = await listen(t, (socket) => socket.pause());
  const { near } = pair(async (wanted) => {
    const socket = await dial(wanted);
    const write = socket.write.bind(socket);
    socket.write = ((chunk: Buffer, ...rest: []) => {
      received += chunk.length;
      write(chunk, ...rest);
      return false; // as a full socket says
    }) as typeof socket.write;
    return socket;
  });
  const stream = await near.open(target);
  let finished = false;
  stream.write(Buffer.alloc(4_000_000), () => {
    finished = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(finished, false);
  assert.ok(received <= 512 * 1024, `${received} bytes were taken`);
  stream.on('error', () => {});
  near.close('done');
});

test('the reason of a refused connection reaches who asked', async () => {
  const { near } = pair(() => Promise.reject(new Error('no such place')));
  await assert.rejects(near.open({ host: 'x', port: 1 }), /no such place/);
});

test('when the channel is lost every stream ends with the reason', async (t) => {
  const target = await listen(t, () => {});
  const { near } = pair(dial);
  const stream = await near.open(target);
  const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
  near.close('the tunnel was lost');
  assert.match((await failed).message, /the tunnel was lost/);
  await assert.rejects(near.open(target), /the tunnel was lost/);
});
