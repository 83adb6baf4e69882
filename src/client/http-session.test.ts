import assert from 'node:assert/strict';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { pods } from '../api/gen/resources.ts';
import { eventually } from '../base/eventually.ts';
import { createAuthority, issueLeaf } from '../pki/certificate.ts';
import { generateKey, keyToPem } from '../pki/keys.ts';
import { createClient } from './create-client.ts';
import { createHttpTransport } from './http-transport.ts';

test('One HTTP/2 session carries all requests, shows the client’s certificate, and is dialled again when lost', async () => {
  const authority = await createAuthority('test');
  const serverKey = await generateKey();
  const clientKey = await generateKey();
  const leaf = (key: typeof serverKey, commonName: string, usage: 'client' | 'server'): string =>
    issueLeaf({
      issuer: authority,
      publicKey: key,
      subject: { commonName },
      usages: [usage],
      alternativeNames: usage === 'server' ? ['127.0.0.1'] : [],
      days: 1,
    });
  const server = createSecureServer({
    key: keyToPem(serverKey),
    cert: leaf(serverKey, 'server', 'server'),
    ca: authority.certificate,
    requestCert: true,
    allowHTTP1: true,
  });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('request', (request, response) => {
    const socket = request.stream.session?.socket as TLSSocket;
    const name = socket.getPeerCertificate().subject.CN;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ metadata: { name, generateName: request.url } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let dials = 0;
  const transport = createHttpTransport({
    server: `https://127.0.0.1:${port}`,
    ca: authority.certificate,
    certificate: () => ({ cert: leaf(clientKey, 'me', 'client'), key: keyToPem(clientKey) }),
    connect: async () => {
      dials += 1;
      return connect(port, '127.0.0.1');
    },
  });
  const client = createClient(transport);
  try {
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => client.get(pods, name, { namespace: 'ns' })));
    assert.deepStrictEqual(
      answers.map((p) => p.metadata.generateName),
      ['/api/v1/namespaces/ns/pods/a', '/api/v1/namespaces/ns/pods/b', '/api/v1/namespaces/ns/pods/c'],
    );
    assert.equal(answers[0]?.metadata.name, 'me');
    assert.deepStrictEqual([sessions.length, dials], [1, 1]);
    sessions[0]?.destroy();
    await eventually('another session', async () =>
      assert.equal((await client.get(pods, 'd', { namespace: 'ns' })).metadata.name, 'me'),
    );
    transport.reconnect();
    await client.get(pods, 'e', { namespace: 'ns' });
    assert.deepStrictEqual([sessions.length, dials], [3, 3]);
  } finally {
    transport.close();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});
