import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueLeaf } from '../../src/pki/certificate.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import type { Json } from './start-server.ts';

export interface HttpsService extends AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  /** What was asked, in order: path and body. */
  readonly asked: { path: string; body: Json; headers: IncomingMessage['headers'] }[];
  /** Writes a kubeconfig that leads to a path of the service. */
  kubeconfig(file: string, path?: string): Promise<string>;
}

/** Answers a request with JSON, a text, or `[status, body]`. */
export type Answering = (asked: { path: string; body: Json }) => object | string | [number, object | string];

/** A service over TLS with an authority of its own, on a free port of 127.0.0.1. */
export async function startHttpsService(answering: Answering): Promise<HttpsService> {
  const authority = await createAuthority('test-service-ca');
  const key = await generateKey();
  const cert = issueLeaf({
    issuer: authority,
    subject: { commonName: 'service', organizations: [] },
    publicKey: key,
    usages: ['server'],
    alternativeNames: ['127.0.0.1', 'localhost'],
  });
  const asked: HttpsService['asked'] = [];
  const server = createServer({ cert, key: keyToPem(key) }, async (request, response) => {
    const text = (await request.toArray()).join('');
    const entry = {
      path: request.url ?? '',
      body: text === '' ? undefined : JSON.parse(text),
      headers: request.headers,
    };
    asked.push(entry);
    const answer = answering(entry);
    const [status, body] = Array.isArray(answer) ? (answer as [number, object | string]) : [200, answer];
    response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    ca: authority.certificate,
    asked,
    async kubeconfig(file, path = '/') {
      const data = Buffer.from(authority.certificate).toString('base64');
      await writeFile(
        file,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          'current-context': 'x',
          clusters: [{ name: 'x', cluster: { server: `${url}${path}`, 'certificate-authority-data': data } }],
          users: [{ name: 'x', user: { token: 'shown-to-webhooks' } }],
          contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
        }),
      );
      return file;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
