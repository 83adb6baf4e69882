import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Exchange, ResponseHeaders } from '../http/exchange.ts';
import { relayExchange } from './relay.ts';

/** What a client sees of `target` through a relay that puts an `X` before every address. */
async function relayed(target: RequestListener, method = 'GET'): Promise<{ headers: ResponseHeaders; body: string }> {
  const server = createServer(target);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const parts: Buffer[] = [];
  const ended = Promise.withResolvers<void>();
  let headers: ResponseHeaders = {};
  const exchange = {
    method,
    headers: {},
    hasBody: false,
    onClose() {},
    open(_status: number, given: ResponseHeaders) {
      headers = given;
      return {
        write: (bytes: Buffer) => parts.push(bytes) > 0,
        onDrain() {},
        end: () => ended.resolve(),
      };
    },
  } as unknown as Exchange;
  try {
    await relayExchange(exchange, {
      dial: async () => connect({ host: '127.0.0.1', port }),
      target: { host: '127.0.0.1', port, tls: undefined },
      path: '/',
      rewrite: (address) => `X${address}`,
    });
    await ended.promise;
    return { headers, body: Buffer.concat(parts).toString() };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const html = { 'content-type': 'text/html; charset=utf-8' };
const page = '<a href="/ä">ü</a>';

it('a page goes on with its addresses changed, whatever its framing', async () => {
  const whole = await relayed((_, response) => response.writeHead(200, html).end(page));
  assert.equal(whole.body, '<a href="X/ä">ü</a>');
  assert.equal(whole.headers['content-length'], Buffer.byteLength(whole.body));
  const pieces = await relayed((_, response) => {
    response.writeHead(200, html).write(page.slice(0, 5));
    response.end(page.slice(5));
  });
  assert.equal(pieces.body, whole.body);
});

it('a packed page is unpacked', async () => {
  const { headers, body } = await relayed((_, response) =>
    response.writeHead(200, { ...html, 'content-encoding': 'gzip' }).end(gzipSync(page)),
  );
  assert.equal(body, '<a href="X/ä">ü</a>');
  assert.equal(headers['content-encoding'], undefined);
});

it('what is no page, and what is too large for one, stays as it is', async () => {
  const text = await relayed((_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(page));
  assert.equal(text.body, page);
  const large = page + ' '.repeat(9 * 1024 * 1024);
  assert.equal((await relayed((_, response) => response.writeHead(200, html).end(large))).body, large);
});

it('the head of a page keeps its length', async () => {
  const head = await relayed((_, response) => response.writeHead(200, { ...html, 'content-length': 7 }).end(), 'HEAD');
  assert.deepEqual([head.headers['content-length'], head.body], ['7', '']);
});
