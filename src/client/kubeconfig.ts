import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { KnarrError } from '../base/errors.ts';
import type { ClientCertificate } from './http-session.ts';
import type { HttpTransportOptions } from './http-transport.ts';
import { tokenFile } from './token-file.ts';

interface Named<K extends string, V> {
  name: string;
  value: Record<K, V>;
}

interface ClusterEntry {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
}

interface UserEntry {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  exec?: unknown;
  'auth-provider'?: unknown;
}

interface Kubeconfig {
  'current-context'?: string;
  clusters?: (Named<'cluster', ClusterEntry>['value'] & { name: string })[];
  users?: (Named<'user', UserEntry>['value'] & { name: string })[];
  contexts?: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
}

function wrong(message: string): KnarrError {
  return new KnarrError({ code: 'kubeconfig-invalid', blame: 'user', message });
}

/**
 * What a kubeconfig file says about a server and how to prove oneself to it. Certificates, keys and tokens named by
 * path (relative to the file) are read when they are used; exec and auth-provider plug-ins are refused.
 */
export async function loadKubeconfig(path: string, contextName?: string): Promise<HttpTransportOptions> {
  const config = parse(await readFile(path, 'utf8')) as Kubeconfig | null;
  const name = contextName ?? config?.['current-context'] ?? '';
  const context = config?.contexts?.find((c) => c.name === name)?.context;
  if (!context) throw wrong(`${path} has no context ${JSON.stringify(name)}`);
  const cluster = config?.clusters?.find((c) => c.name === context.cluster)?.cluster;
  if (!cluster?.server) throw wrong(`${path} has no server for the cluster ${JSON.stringify(context.cluster)}`);
  const user = config?.users?.find((u) => u.name === context.user)?.user ?? {};
  if (user.exec || user['auth-provider']) {
    throw wrong(`${path}: user ${JSON.stringify(context.user)} needs a credential plug-in, which is not supported`);
  }

  const read = async (data: string | undefined, file: string | undefined): Promise<Buffer | undefined> => {
    if (data) return Buffer.from(data, 'base64');
    return file ? readFile(resolve(dirname(path), file)) : undefined;
  };
  const certificate = async (): Promise<ClientCertificate> => {
    const cert = await read(user['client-certificate-data'], user['client-certificate']);
    const key = await read(user['client-key-data'], user['client-key']);
    if (!cert || !key) throw wrong(`${path}: user ${JSON.stringify(context.user)} has a certificate without its key`);
    return { cert, key };
  };
  const hasCertificate = Boolean(user['client-certificate-data'] ?? user['client-certificate']);
  const fixed = user.token;
  const token = user.tokenFile ? tokenFile(resolve(dirname(path), user.tokenFile)) : fixed ? () => fixed : undefined;
  const ca = await read(cluster['certificate-authority-data'], cluster['certificate-authority']);
  return {
    server: cluster.server,
    ...(ca ? { ca } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { insecureSkipVerify: true } : {}),
    ...(cluster['tls-server-name'] ? { serverName: cluster['tls-server-name'] } : {}),
    ...(hasCertificate ? { certificate } : {}),
    ...(token ? { token } : {}),
  };
}
