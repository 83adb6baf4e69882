import { rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createApiServer } from '../../src/apiserver/create.ts';
import type { ApiServerOptions } from '../../src/apiserver/options.ts';
import type { ApiServer } from '../../src/apiserver/server.ts';
import { createLogger, type Level } from '../../src/base/log.ts';
import { createAuthority, issueLeaf } from '../../src/pki/certificate.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import type { Backend } from '../../src/store/backend.ts';
import { createMemoryBackend } from '../../src/store/memory-backend.ts';
import { createSqliteBackend } from '../../src/store/sqlite-backend.ts';
import { testFolder } from '../harness/folder.ts';

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly url: string;
  /** An administrator's; refreshed by nothing. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly ca: string;
  /** A bearer token of system:masters. */
  readonly token: string;
  /** PEM of a client certificate for somebody. */
  clientCertificate(commonName: string, organizations: readonly string[]): Promise<{ cert: string; key: string }>;
  /** One request, as whoever the token (default: the administrator's; '' for none) is of. */
  ask(
    method: string,
    path: string,
    options?: { body?: object; token?: string },
  ): Promise<{ status: number; body: Json }>;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every kind are looked into by tests
export type Json = any;

export interface TestServerOptions {
  store?: 'sqlite' | 'memory';
  logLevel?: Level;
  port?: number;
  dial?: ApiServerOptions['dial'];
  audit?: ApiServerOptions['audit'];
  /** Set beside, or in place of, what is given to every test's server. */
  more?: Partial<ApiServerOptions>;
  /** Wraps the store. */
  backend?: (backend: Backend) => Backend;
}

/** An API server of its own in a folder of its own, on a free port of 127.0.0.1. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = await testFolder('apiserver');
  try {
    return await startIn(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, options: TestServerOptions): Promise<TestServer> {
  const log = createLogger({ part: 'test', level: options.logLevel ?? 'warn' });
  const bare =
    options.store === 'sqlite' ? createSqliteBackend({ path: join(folder, 'state.db'), log }) : createMemoryBackend();
  const backend = options.backend?.(bare) ?? bare;
  const [serverCa, clientCa] = await Promise.all([createAuthority('server-ca'), createAuthority('client-ca')]);
  const leaf = async (
    issuer: typeof clientCa,
    usage: 'client' | 'server',
    commonName: string,
    organizations: readonly string[] = [],
    alternativeNames: readonly string[] = [],
  ): Promise<{ cert: string; key: string }> => {
    const key = await generateKey();
    const certificate = issueLeaf({
      issuer,
      subject: { commonName, organizations: [...organizations] },
      publicKey: key,
      usages: [usage],
      alternativeNames: [...alternativeNames],
    });
    return { cert: certificate, key: keyToPem(key) };
  };
  const serving = await leaf(serverCa, 'server', 'kube-apiserver', [], ['localhost', '127.0.0.1', 'kubernetes']);
  const kubelet = await leaf(clientCa, 'client', 'system:apiserver', ['system:masters']);
  const token = 'test-admin-token';
  await backend.start();
  const server = createApiServer({
    log,
    backend,
    listen: { host: '127.0.0.1', port: options.port ?? 0 },
    // Endpoints may not have a loopback address; nobody dials this one.
    advertiseAddress: '192.0.2.1',
    serving,
    clientCa: clientCa.certificate,
    serviceAccounts: {
      signingKey: keyToPem(await generateKey()),
      issuers: ['https://kubernetes.default.svc.cluster.local'],
    },
    tokens: (given) =>
      given === token ? { name: 'admin', uid: '1', groups: ['system:masters', 'system:authenticated'] } : undefined,
    audit: options.audit,
    serviceCidrs: ['10.43.0.0/16'],
    kubernetesServiceIp: '10.43.0.1',
    dial:
      options.dial ??
      (({ host, port }) =>
        new Promise((resolve, reject) => {
          const socket = connect({ host, port });
          socket.once('connect', () => resolve(socket));
          socket.once('error', reject);
        })),
    kubelet: { ...kubelet, ca: serverCa.certificate },
    ...options.more,
  });
  await server.start();
  const url = `https://127.0.0.1:${server.port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const admin = await leaf(clientCa, 'client', 'system:admin', ['system:masters']);
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [
        { name: 'test', cluster: { server: url, 'certificate-authority-data': base64(serverCa.certificate) } },
      ],
      users: [
        {
          name: 'test',
          user: { 'client-certificate-data': base64(admin.cert), 'client-key-data': base64(admin.key) },
        },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    }),
  );
  return {
    server,
    url,
    kubeconfig,
    folder,
    token,
    ca: serverCa.certificate,
    clientCertificate: (commonName, organizations) => leaf(clientCa, 'client', commonName, organizations),
    ask: (method, path, { body, token: shown = token } = {}) =>
      new Promise((resolve, reject) => {
        const outgoing = request(new URL(path, url), {
          method,
          ca: serverCa.certificate,
          agent: false,
          headers: {
            ...(shown === '' ? {} : { authorization: `Bearer ${shown}` }),
            'content-type': 'application/json',
          },
        });
        outgoing.on('error', reject);
        outgoing.on('response', async (response) => {
          const text = (await response.toArray()).join('');
          const isJson = String(response.headers['content-type']).includes('json');
          resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        });
        outgoing.end(body && JSON.stringify(body));
      }),
    async [Symbol.asyncDispose]() {
      try {
        await server.stop();
        await backend.stop();
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
