import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApiServer, MountedHandler } from '../../apiserver/server.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { encodePem } from '../../pki/pem.ts';
import type { EncryptionRequest, SecretsEncryption } from '../secrets-encryption.ts';
import type { ServerCertificates } from '../server-certificates.ts';
import type { ServerSecrets } from '../server-secrets.ts';
import type { TunnelServer } from '../tunnel/server.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { checkNodePassword } from './node-passwords.ts';
import { signNodeLeaf } from './sign-node-leaf.ts';
import { type Caller, identify } from './supervisor-auth.ts';

export interface SupervisorOptions {
  certificates: ServerCertificates;
  secrets: ServerSecrets;
  encryption: SecretsEncryption;
  settings: ClusterSettings;
  /** `host:port` of every API server. */
  apiServers(): readonly string[];
  tunnel: TunnelServer;
  /** As system:masters, in process. */
  client: Client;
  log: Logger;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

const text = (body: string, status = 200): Answer => ({ status, type: 'text/plain', body });
const json = (value: unknown): Answer => ({ status: 200, type: 'application/json', body: JSON.stringify(value) });

async function readBody(request: IncomingMessage, limit = 64 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > limit) throw new KnarrError({ code: 'too-large', blame: 'user', message: 'the request is too large' });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

const asPem = (body: Buffer): string =>
  body.includes('-----BEGIN') ? body.toString() : encodePem('CERTIFICATE REQUEST', body);

const header = (request: IncomingMessage, name: string): string => String(request.headers[name] ?? '').trim();

/** What joining nodes ask on the API's port: `/cacerts`, `/ping` and `/v1-k3s/…`. */
export function createSupervisor(options: SupervisorOptions): MountedHandler {
  const { certificates, client, log } = options;
  const serverCa = certificates.authorities['server-ca'].certificate;

  const signed = async (request: IncomingMessage, leaf: string, caller: Caller): Promise<Answer> => {
    if (request.method !== 'POST') return text('a certificate request is to be POSTed here\n', 405);
    const nodeName = header(request, 'k3s-node-name').toLowerCase();
    const password = header(request, 'k3s-node-password');
    if (nodeName === '' || password === '') return text('node name and password must be set\n', 400);
    if (caller.kind === 'node' && caller.nodeName !== nodeName) return text('forbidden: another node\n', 403);
    const body = await readBody(request);
    await checkNodePassword(client, nodeName, password);
    const addresses = header(request, 'k3s-node-ip')
      .split(',')
      .filter((address) => address !== '');
    const certificate = signNodeLeaf({
      leaf,
      request: asPem(body),
      applicant: { nodeName, addresses },
      authorities: certificates.authorities,
    });
    log.info('certificate signed', { node: nodeName, certificate: leaf });
    return text(certificate);
  };

  const isServer = (caller: Caller): boolean => caller.kind === 'token' && caller.user === 'server';
  const changeEncryption = async (request: IncomingMessage, caller: Caller): Promise<Answer> => {
    if (!isServer(caller)) return text('forbidden\n', 403);
    if (request.method !== 'PUT') return text('method not allowed\n', 405);
    let wanted: EncryptionRequest;
    try {
      wanted = JSON.parse((await readBody(request)).toString()) as EncryptionRequest;
    } catch (error) {
      return text(`${messageOf(error)}\n`, 400);
    }
    await options.encryption.change(wanted, client);
    return text('');
  };

  /** The routes behind a token or a node's certificate. */
  const routes: Record<string, (request: IncomingMessage, caller: Caller) => Promise<Answer> | Answer> = {
    '/v1-k3s/server-ca.crt': () => text(serverCa),
    '/v1-k3s/client-ca.crt': () => text(certificates.authorities['client-ca'].certificate),
    '/v1-k3s/config': () => json(options.settings),
    '/v1-k3s/apiservers': () => json(options.apiServers()),
    '/v1-k3s/readyz': () => text('ok'),
    '/v1-k3s/encrypt/status': (_request, caller) =>
      isServer(caller) ? json(options.encryption.status()) : text('forbidden\n', 403),
    '/v1-k3s/encrypt/config': changeEncryption,
    ...Object.fromEntries(
      ['serving-kubelet', 'client-kubelet', 'client-kube-proxy', 'client-k3s-controller'].map((leaf) => [
        `/v1-k3s/${leaf}.crt`,
        (request: IncomingMessage, caller: Caller) => signed(request, leaf, caller),
      ]),
    ),
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path === '/cacerts') return text(serverCa);
    if (path === '/ping') return text('pong');
    const caller = await identify(request, options.secrets, client);
    if (caller === undefined) return text('Unauthorized\n', 401);
    const route = routes[path];
    return route === undefined ? text('404 page not found\n', 404) : route(request, caller);
  };

  const failed = (error: unknown): Answer => {
    const mistake = error instanceof KnarrError && error.blame === 'user';
    if (!mistake) log.error('a join request failed', { error: messageOf(error) });
    const code = error instanceof KnarrError && error.code === 'node-password-rejected' ? 403 : mistake ? 400 : 500;
    return text(`${messageOf(error)}\n`, code);
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const caller = await identify(request, options.secrets, client).catch(() => undefined);
    if (request.url?.split('?')[0] !== '/v1-k3s/connect' || caller?.kind !== 'node') {
      socket.end(
        `HTTP/1.1 ${caller === undefined ? '401 Unauthorized' : '403 Forbidden'}\r\nConnection: close\r\n\r\n`,
      );
      return;
    }
    options.tunnel.accept(caller.nodeName, request, socket, head);
  };

  return {
    request(request: IncomingMessage, response: ServerResponse) {
      answer(request)
        .catch(failed)
        .then(({ status, type, body }) => {
          response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
          response.end(request.method === 'HEAD' ? undefined : body);
        })
        .catch((error: unknown) => log.debug('an answer was not taken', { error: messageOf(error) }));
    },
    upgrade: (request, socket, head) => void upgrade(request, socket, head),
  };
}

/** Puts the supervisor on the API's port. */
export function mountSupervisor(api: ApiServer, supervisor: MountedHandler): void {
  for (const prefix of ['/cacerts', '/ping', '/v1-k3s/']) api.mount(prefix, supervisor);
}
