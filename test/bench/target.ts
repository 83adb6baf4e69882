import { clusterrolebindings, namespaces, serviceaccounts } from '../../src/api/gen/resources.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport, type HttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';

/** A cluster under load: where it is, and a bearer token that may do everything (load generators know no certificates). */
export interface Target {
  readonly url: string;
  readonly token: string;
  readonly client: Client;
  /** A namespace of its own, deleted at the end. */
  readonly namespace: string;
  close(): Promise<void>;
  /** Ends the connections alone, where the cluster goes away as a whole. */
  abandon(): void;
}

export async function openTarget(kubeconfig: string): Promise<Target> {
  const options = await loadKubeconfig(kubeconfig);
  const transport: HttpTransport = createHttpTransport(options);
  const client = createClient(transport);
  const namespace = `knarr-bench-${process.pid}`;
  await client.create(namespaces, { metadata: { name: namespace } });
  await client.create(serviceaccounts, { metadata: { name: 'bench', namespace } }, { namespace });
  await client.create(clusterrolebindings, {
    metadata: { name: namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'bench', namespace }],
  });
  const answer = (await client.raw({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/bench/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [], expirationSeconds: 7200 },
    },
  })) as { status: { token: string } };
  return {
    url: options.server,
    token: answer.status.token,
    client,
    namespace,
    abandon: () => transport.close(),
    async close() {
      await client.delete(clusterrolebindings, namespace).catch(() => {});
      await client.delete(namespaces, namespace).catch(() => {});
      transport.close();
    },
  };
}
