import { request as httpsRequest } from 'node:https';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { checkAuthority, type JoinToken } from '../../pki/token.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import type { Cluster } from './node-identity.ts';

export interface RemoteClusterOptions {
  /** `https://host:port` */
  server: string;
  token: JoinToken;
  nodeName: string;
  nodePassword: string;
  addresses: readonly string[];
}

interface Request {
  url: string;
  method?: string;
  ca?: string;
  headers?: Record<string, string>;
  body?: string;
}

function send({ url, method = 'GET', ca, headers = {}, body }: Request): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  // Signing is work for a server that may have just started itself.
  const seconds = body === undefined ? 10 : 30;
  const request = httpsRequest(
    url,
    // The first request fetches the authority itself; the token's hash then says whether it is the right one.
    {
      method,
      headers,
      timeout: seconds * 1000,
      agent: false,
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    },
    (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    },
  );
  request.on('timeout', () => request.destroy(new Error(`no answer within ${seconds} s`)));
  request.on('error', reject);
  request.end(body);
  return promise;
}

const unreachable = (url: string, cause: unknown): KnarrError =>
  new KnarrError({
    code: 'server-unreachable',
    blame: 'world',
    message: `${url}: ${messageOf(cause)}`,
    cause,
  });

/** The authority that the server shows, checked against the token. */
async function fetchAuthority(server: string, token: JoinToken): Promise<string> {
  const url = `${server}/cacerts`;
  const { status, text } = await send({ url }).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  if (status !== 200) throw unreachable(url, new Error(`answer ${status}`));
  checkAuthority(token, text);
  return text;
}

/**
 * A cluster as an agent sees it. Throws KnarrError: `server-unreachable` (try again), `ca-mismatch`, `token-refused`,
 * `node-password-rejected` (the user must act).
 */
export async function connectCluster(options: RemoteClusterOptions): Promise<Cluster> {
  const { server, token, nodeName } = options;
  const serverCa = await fetchAuthority(server, token);
  const headers = {
    Authorization: `Basic ${Buffer.from(`${token.user}:${token.password}`).toString('base64')}`,
    'k3s-Node-Name': nodeName,
    'k3s-Node-Password': options.nodePassword,
    'k3s-Node-IP': options.addresses.join(','),
  };
  const ask = async (path: string, body?: string): Promise<string> => {
    const url = `${server}${path}`;
    const { status, text } = await send({
      url,
      ca: serverCa,
      headers,
      ...(body === undefined ? {} : { method: 'POST', body }),
    }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    if (status === 200) return text;
    if (status === 401)
      throw new KnarrError({
        code: 'token-refused',
        blame: 'user',
        message: `${server} does not know this token: see /var/lib/rancher/k3s/server/node-token on the server`,
      });
    if (status === 403) throw new KnarrError({ code: 'node-password-rejected', blame: 'user', message: text.trim() });
    throw unreachable(url, new Error(`answer ${status}: ${text.trim()}`));
  };
  return {
    serverCa,
    clientCa: await ask('/v1-k3s/client-ca.crt'),
    settings: async () => JSON.parse(await ask('/v1-k3s/config')) as ClusterSettings,
    apiServers: async () => JSON.parse(await ask('/v1-k3s/apiservers')) as string[],
    sign: (leaf, request) => ask(`/v1-k3s/${leaf}.crt`, request),
  };
}
