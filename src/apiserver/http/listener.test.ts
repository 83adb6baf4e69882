import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Agent, get } from 'node:https';
import { after, before, test } from 'node:test';
import { createLogger } from '../../base/log.ts';
import { createAuthority, issueLeaf } from '../../pki/certificate.ts';
import { generateKey, keyToPem } from '../../pki/keys.ts';
import { createListener, type Listener } from './listener.ts';

let serving: { cert: string; key: string };
before(async () => {
  const key = await generateKey();
  const subject = { commonName: 'server', organizations: [] };
  const issuer = await createAuthority('ca');
  const cert = issueLeaf({ issuer, publicKey: key, subject, usages: ['server'], alternativeNames: ['localhost'] });
  serving = { cert, key: keyToPem(key) };
});

const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

async function listen(onExchange: Parameters<typeof createListener>[0]['onExchange']): Promise<Listener> {
  const log = createLogger({ part: 'test', level: 'error' });
  const listener = createListener({
    host: '127.0.0.1',
    port: 0,
    serving,
    clientCas: [],
    maxStreams: 7,
    onExchange,
    onUpgrade: (_request, socket) => socket.destroy(),
    log,
  });
  await listener.start();
  return listener;
}

const status = async (port: number, path: string): Promise<number | undefined> => {
  const request = get({ host: '127.0.0.1', port, path, agent, rejectUnauthorized: false });
  // A request that is answered before its end may still fail afterwards; `once` listens only until the answer.
  request.on('error', () => {});
  const [answer] = await once(request, 'response');
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode;
};

async function overHttp2(port: number, path: string): Promise<{ status: unknown; streams: number | undefined }> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  await once(session, 'remoteSettings');
  const stream = session.request({ ':path': path });
  stream.resume();
  const [headers] = await once(stream, 'response');
  session.close();
  return { status: headers[':status'], streams: session.remoteSettings.maxConcurrentStreams };
}

test('a server that stops closes idle connections at once, and lets running answers end', async () => {
  let end = (): void => {};
  const listener = await listen((exchange) => {
    if (exchange.url !== '/slow') return exchange.respond(200, {}, 'quick');
    end = () => exchange.respond(200, {}, 'slow');
    entered();
  });
  let entered = (): void => {};
  const running = new Promise<void>((resolve) => {
    entered = resolve;
  });
  assert.equal(await status(listener.port, '/quick'), 200);
  const slow = status(listener.port, '/slow');
  await running;
  let stopped = false;
  const stopping = listener.stop(3_600_000).then(() => {
    stopped = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(stopped, false);
  end();
  assert.equal(await slow, 200);
  // the connection is not kept after its answer: long before the hour is over
  await stopping;
});

test('requests with long selectors are taken, endless ones are not', async () => {
  const listener = await listen((exchange) => exchange.respond(exchange.url.length > 1000 ? 200 : 404, {}, ''));
  try {
    // Neither Node's client nor its server takes a header of more than 64 KiB over HTTP/2.
    const path = (length: number): string => `/?labelSelector=${'a'.repeat(length)}`;
    assert.equal(await status(listener.port, path(200_000)), 200);
    assert.deepEqual(await overHttp2(listener.port, path(60_000)), { status: 200, streams: 7 });
    const endless = status(listener.port, path(1_100_000)).catch((error: NodeJS.ErrnoException) => error.code);
    // A client that is still sending may see the connection's end first.
    assert.ok([431, 'ECONNRESET', 'EPIPE'].includes((await endless) ?? ''));
  } finally {
    await listener.stop(1000);
  }
});

test('a malformed path is refused before anybody looks at it', async () => {
  const listener = await listen((exchange) => exchange.respond(200, {}, ''));
  try {
    assert.equal(await status(listener.port, '/api/%zz'), 400);
    assert.equal(await status(listener.port, '/api/%7a?%zz'), 200);
    await assert.rejects(overHttp2(listener.port, '/api/%zz'), /NGHTTP2_PROTOCOL_ERROR/);
  } finally {
    await listener.stop(1000);
  }
});
