import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { apiservices, endpointslices, services } from '../../src/api/gen/resources.ts';
import type { Client } from '../../src/client/client.ts';
import { createAuthority, issueLeaf } from '../../src/pki/certificate.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';

/** An address of this machine that others may be sent to: none of loopback. */
const ownAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

export interface MetricsServer {
  close(): void;
}

interface Listed {
  items: { metadata: { name: string; namespace: string } }[];
}

/**
 * A metrics API behind the API server's aggregation layer that says of every pod that its one container uses `cpu`.
 * Undefined where this machine has no address for it.
 */
export async function startMetricsServer(
  client: Client,
  namespace: string,
  cpu: () => string,
): Promise<MetricsServer | undefined> {
  const address = ownAddress();
  if (address === undefined) return undefined;
  const key = await generateKey();
  const issuer = await createAuthority('metrics');
  const subject = { commonName: 'metrics', organizations: [] };
  const cert = issueLeaf({ issuer, publicKey: key, subject, usages: ['server'], alternativeNames: ['metrics'] });
  const podMetrics = async (path: string, query: string): Promise<object> => {
    const labelSelector = new URLSearchParams(query).get('labelSelector') ?? '';
    const [, pods] = /\/namespaces\/([^/]+)\/pods$/.exec(path) ?? [];
    const list = (await client.raw({
      method: 'GET',
      path: `/api/v1/namespaces/${pods}/pods`,
      query: { labelSelector },
    })) as Listed;
    return {
      kind: 'PodMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {},
      items: list.items.map(({ metadata: { name } }) => ({
        metadata: { name, namespace: pods },
        timestamp: new Date().toISOString(),
        window: '1s',
        containers: [{ name: 'main', usage: { cpu: cpu(), memory: '1Mi' } }],
      })),
    };
  };
  const resource = { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] };
  const discovery = { kind: 'APIResourceList', groupVersion: 'metrics.k8s.io/v1beta1', resources: [resource] };
  const server = createServer({ cert, key: keyToPem(key) }, async (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    response.setHeader('content-type', 'application/json');
    response.statusCode = path.startsWith('/apis/') ? 200 : 404;
    response.end(JSON.stringify(path.endsWith('/pods') ? await podMetrics(path, query) : discovery));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  const metadata = { name: 'metrics', namespace };
  await client.create(services, { metadata, spec: { ports: [{ port: 443 }] } });
  await client.create(endpointslices, {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'metrics' } },
    addressType: 'IPv4',
    ports: [{ name: '', port }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  });
  await client.create(apiservices, {
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: metadata,
    },
  });
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
