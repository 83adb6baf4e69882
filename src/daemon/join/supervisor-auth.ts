import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { secrets } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Client } from '../../client/client.ts';
import { bootstrapTokenPattern, sameSecret } from '../../pki/token.ts';
import { knowsPassword, type ServerSecrets } from '../server-secrets.ts';

/** Who speaks to the supervisor: somebody who has a token, or a node with its certificate. */
export type Caller =
  | { readonly kind: 'token'; readonly user: string }
  | { readonly kind: 'node'; readonly nodeName: string };

function nodeOfCertificate(socket: Partial<TLSSocket>): string | undefined {
  if (socket.authorized !== true || socket.getPeerCertificate === undefined) return undefined;
  const { subject } = socket.getPeerCertificate();
  const groups = [subject?.O ?? []].flat();
  const match = /^system:node:(.+)$/.exec(String(subject?.CN ?? ''));
  return match !== null && groups.includes('system:nodes') ? match[1] : undefined;
}

function basicCredentials(header: string | undefined): { user: string; password: string } | undefined {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Whether the text is a bootstrap token of this cluster that has not ended and may be used to authenticate. */
async function isBootstrapToken(client: Client, text: string): Promise<boolean> {
  const match = bootstrapTokenPattern.exec(text);
  if (match === null) return false;
  const [, id = '', secret = ''] = match;
  try {
    const { data = {}, type } = await client.get(secrets, `bootstrap-token-${id}`, { namespace: 'kube-system' });
    const field = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString();
    const expiration = field('expiration');
    return (
      type === 'bootstrap.kubernetes.io/token' &&
      sameSecret(field('token-secret'), secret) &&
      field('usage-bootstrap-authentication') === 'true' &&
      (expiration === '' || Date.parse(expiration) > Date.now())
    );
  } catch (error) {
    if (isApiError(error, 'NotFound')) return false;
    throw error;
  }
}

/** Who sent this request, or undefined when it shows nothing that is known here. */
export async function identify(
  request: IncomingMessage,
  secretsOfServer: ServerSecrets,
  client: Client,
): Promise<Caller | undefined> {
  const nodeName = nodeOfCertificate(request.socket as Partial<TLSSocket>);
  if (nodeName !== undefined) return { kind: 'node', nodeName };
  const credentials = basicCredentials(request.headers.authorization);
  if (credentials === undefined) return undefined;
  const { user, password } = credentials;
  if (knowsPassword(secretsOfServer, user, password)) return { kind: 'token', user };
  return (await isBootstrapToken(client, password)) ? { kind: 'token', user: 'node' } : undefined;
}
