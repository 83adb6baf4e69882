import type { Client } from '../../client/client.ts';
import type { ServerCertificates } from '../server-certificates.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import type { Cluster } from './node-identity.ts';
import { checkNodePassword } from './node-passwords.ts';
import { signNodeLeaf } from './sign-node-leaf.ts';

/** The cluster as the server's own node sees it: the same answers with no network between. */
export function localCluster(options: {
  certificates: ServerCertificates;
  settings: ClusterSettings;
  apiServers: () => readonly string[];
  client: Client;
  nodeName: string;
  nodePassword: string;
  addresses: readonly string[];
}): Cluster {
  const { certificates, settings, apiServers, client, nodeName, nodePassword, addresses } = options;
  const { authorities } = certificates;
  return {
    serverCa: authorities['server-ca'].certificate,
    clientCa: authorities['client-ca'].certificate,
    settings: async () => settings,
    apiServers: async () => apiServers(),
    async sign(leaf, request) {
      await checkNodePassword(client, nodeName, nodePassword);
      return signNodeLeaf({ leaf, request, applicant: { nodeName, addresses }, authorities });
    },
  };
}
