import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createSpdyCodec, spdyDictionary } from './spdy-frames.ts';
import { createSpdySession, type SpdySession, type SpdyStream } from './spdy-session.ts';

test('the dictionary is that of the protocol, byte for byte', () => {
  assert.equal(spdyDictionary.length, 1423);
  assert.equal(
    createHash('sha256').update(spdyDictionary).digest('hex'),
    '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02',
  );
});

test('frames survive being cut anywhere', () => {
  const sender = createSpdyCodec();
  const receiver = createSpdyCodec();
  const bytes = Buffer.concat([
    sender.encode({ type: 'syn-stream', streamId: 1, fin: false, headers: { streamtype: 'stdin', port: '80' } }),
    sender.encode({ type: 'data', streamId: 1, fin: false, data: Buffer.from('hello') }),
    sender.encode({ type: 'syn-stream', streamId: 3, fin: true, headers: { streamtype: 'error' } }),
    sender.encode({ type: 'ping', id: 7 }),
  ]);
  const frames = [...bytes].flatMap((byte) => receiver.feed(Buffer.from([byte])));
  assert.deepStrictEqual(frames, [
    { type: 'syn-stream', streamId: 1, fin: false, headers: { streamtype: 'stdin', port: '80' } },
    { type: 'data', streamId: 1, fin: false, data: Buffer.from('hello') },
    { type: 'syn-stream', streamId: 3, fin: true, headers: { streamtype: 'error' } },
    { type: 'ping', id: 7 },
  ]);
});

test('two sessions talk; half-closing leaves the other half open', async () => {
  const heard: string[] = [];
  const accepted: SpdyStream[] = [];
  let client: SpdySession;
  const server = createSpdySession({
    role: 'server',
    write: (bytes) => queueMicrotask(() => client.feed(bytes)),
    onStream(stream) {
      accepted.push(stream);
      stream.onData = (data) => heard.push(`server:${data}`);
      stream.onEnd = () => {
        stream.write(Buffer.from('bye'));
        stream.end();
      };
    },
  });
  client = createSpdySession({ role: 'client', write: (bytes) => queueMicrotask(() => server.feed(bytes)) });
  const stream = await client.open({ streamtype: 'stdin' });
  const ended = Promise.withResolvers<void>();
  stream.onData = (data) => heard.push(`client:${data}`);
  stream.onEnd = () => ended.resolve();
  stream.write(Buffer.from('hi'));
  stream.end();
  await ended.promise;
  assert.deepStrictEqual(heard, ['server:hi', 'client:bye']);
  assert.equal(accepted[0]?.headers.streamtype, 'stdin');
  client.close();
  server.close();
  await assert.rejects(client.open({}), /closed/);
});

test('data that comes with the acceptance of its stream is not lost', async () => {
  const heard: string[] = [];
  let toClient = Buffer.alloc(0);
  const server = createSpdySession({
    role: 'server',
    write: (bytes) => {
      toClient = Buffer.concat([toClient, bytes]);
    },
    onStream(stream) {
      stream.write(Buffer.from('at once'));
      stream.end();
    },
  });
  const client = createSpdySession({ role: 'client', write: (bytes) => server.feed(bytes) });
  const opening = client.open({ streamtype: 'stdout' }, { onData: (data) => heard.push(String(data)) });
  client.feed(toClient);
  await opening;
  assert.deepStrictEqual(heard, ['at once']);
});
