import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { secrets as secretsResource } from '../../api/gen/resources.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { ApiError } from '../../api/status.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { createAuthority, issueLeaf } from '../../pki/certificate.ts';
import type { AuthorityName } from '../../pki/cluster-certificates.ts';
import { generateKey, keyToPem } from '../../pki/keys.ts';
import { formatToken } from '../../pki/token.ts';
import type { SecretsEncryption } from '../secrets-encryption.ts';
import type { ServerCertificates } from '../server-certificates.ts';
import type { ServerSecrets } from '../server-secrets.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { createSupervisor } from './supervisor.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent } as unknown as Logger;

const status = (reason: string, code: number): ApiError =>
  new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: reason, reason, code });

/** Secrets in memory: all that the supervisor asks of an API. */
export function secretsInMemory(): Client & { readonly stored: Map<string, KubernetesObject> } {
  const stored = new Map<string, KubernetesObject>();
  const needed = (resource: unknown): void => {
    if (resource !== secretsResource) throw new Error('only secrets are here');
  };
  const client = {
    stored,
    async get(resource: unknown, name: string) {
      needed(resource);
      const found = stored.get(name);
      if (found === undefined) throw status('NotFound', 404);
      return found;
    },
    async create(resource: unknown, object: KubernetesObject) {
      needed(resource);
      if (stored.has(object.metadata.name ?? '')) throw status('AlreadyExists', 409);
      stored.set(object.metadata.name ?? '', object);
      return object;
    },
  };
  return client as unknown as ReturnType<typeof secretsInMemory>;
}

export const testSettings: ClusterSettings = {
  ClusterIPRanges: ['10.42.0.0/16'],
  ServiceIPRanges: ['10.43.0.0/16'],
  ClusterDNSs: ['10.43.0.10'],
  ClusterDomain: 'cluster.local',
  FlannelBackend: 'vxlan',
  FlannelIPv6Masq: false,
  EgressSelectorMode: 'agent',
  DisableKubeProxy: false,
  DisableNPC: false,
  DisableCoreDNS: false,
};

export interface TestSupervisor extends AsyncDisposable {
  readonly url: string;
  readonly client: ReturnType<typeof secretsInMemory>;
  readonly authorities: ServerCertificates['authorities'];
  /** A whole token of that user. */
  token(user: string, password: string): string;
}

/** A supervisor on a free port of 127.0.0.1, behind TLS of a cluster of its own. */
export async function startSupervisor(
  secrets: ServerSecrets,
  encryption: Partial<SecretsEncryption> = {},
): Promise<TestSupervisor> {
  const names: readonly AuthorityName[] = ['server-ca', 'client-ca', 'request-header-ca'];
  const authorities = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await createAuthority(name)] as const)),
  ) as ServerCertificates['authorities'];
  const key = await generateKey();
  const issuer = authorities['server-ca'];
  const cert = issueLeaf({
    issuer,
    publicKey: key,
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    alternativeNames: ['127.0.0.1'],
  });
  const client = secretsInMemory();
  const supervisor = createSupervisor({
    encryption: {
      renderMetrics: () => '',
      checks: () => [],
      wrap: (backend) => backend,
      start() {},
      async stop() {},
      status: () => ({ stage: '', activekey: '' }),
      async change() {},
      ...encryption,
    },
    certificates: { authorities } as ServerCertificates,
    secrets,
    settings: testSettings,
    apiServers: () => ['192.0.2.1:6443'],
    tunnel: {} as never,
    client,
    log: silent,
  });
  const server: Server = createServer(
    {
      cert: cert + issuer.certificate,
      key: keyToPem(key),
      ca: authorities['client-ca'].certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => supervisor.request(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    client,
    authorities,
    token: (user, password) => formatToken(issuer.certificate, user, password),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
