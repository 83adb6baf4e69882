import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { pods } from '../api/gen/resources.ts';
import { isApiError } from '../api/status.ts';
import { KnarrError } from '../base/errors.ts';
import { createClient } from './create-client.ts';
import { createHttpTransport } from './http-transport.ts';

async function withServer(
  handler: Parameters<typeof createServer>[1],
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(handler as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('Requests carry path, query, token and body; failures come back as ApiError', async () => {
  const seen: string[] = [];
  await withServer(
    (request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.setHeader('content-type', 'application/json');
      if (request.method === 'GET') {
        response.statusCode = 404;
        response.end(JSON.stringify({ kind: 'Status', code: 404, reason: 'NotFound', message: 'pods "x" not found' }));
      } else {
        request.pipe(response);
      }
    },
    async (server) => {
      const transport = createHttpTransport({ server, token: () => 'secret' });
      const client = createClient(transport);
      await assert.rejects(client.get(pods, 'x', { namespace: 'ns' }), (e) => isApiError(e, 'NotFound'));
      const made = await client.create(pods, { metadata: { name: 'x', namespace: 'ns' } }, { dryRun: true });
      assert.deepStrictEqual(made, { metadata: { name: 'x', namespace: 'ns' }, apiVersion: 'v1', kind: 'Pod' });
      assert.deepStrictEqual(seen, [
        'GET /api/v1/namespaces/ns/pods/x Bearer secret',
        'POST /api/v1/namespaces/ns/pods?dryRun=All Bearer secret',
      ]);
      transport.close();
    },
  );
});

test('A watch is read line by line, across chunks, and ends with the signal', async () => {
  await withServer(
    (_request, response) => {
      response.setHeader('content-type', 'application/json');
      const line = JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'ä' } } });
      const bytes = Buffer.from(`${line}\n${line}\n`);
      response.write(bytes.subarray(0, 45));
      setTimeout(() => response.write(bytes.subarray(45)), 10);
    },
    async (server) => {
      const transport = createHttpTransport({ server });
      const stop = new AbortController();
      const names: unknown[] = [];
      for await (const event of createClient(transport).watch(pods, { signal: stop.signal })) {
        names.push(event.object.metadata.name);
        if (names.length === 2) stop.abort();
      }
      assert.deepStrictEqual(names, ['ä', 'ä']);
      transport.close();
    },
  );
});

test('Who needs no more than metadata asks for no more, and the error in a watch is thrown', async () => {
  const accepted: unknown[] = [];
  await withServer(
    ({ headers, url }, response) => {
      accepted.push(headers.accept?.split(';')[1]);
      response.setHeader('content-type', 'application/json');
      const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'gone' } };
      response.end(`${JSON.stringify(url?.includes('watch') ? gone : { metadata: {}, items: [] })}\n`);
    },
    async (server) => {
      const transport = createHttpTransport({ server });
      const client = createClient(transport);
      await client.list(pods, { metadataOnly: true });
      const watching = client.watch(pods, { metadataOnly: true })[Symbol.asyncIterator]();
      await assert.rejects(watching.next(), (e) => isApiError(e, 'Expired'));
      assert.deepStrictEqual(accepted, ['as=PartialObjectMetadataList', 'as=PartialObjectMetadata']);
      transport.close();
    },
  );
});

test('A server that cannot be reached is the world’s failure, named with its address', async () => {
  const transport = createHttpTransport({ server: 'http://127.0.0.1:9' });
  await assert.rejects(createClient(transport).list(pods), (error) => {
    assert.ok(error instanceof KnarrError);
    assert.equal(error.code, 'api-unreachable');
    assert.match(error.message, /127\.0\.0\.1:9/);
    return true;
  });
  transport.close();
});
