import { join } from 'node:path';
import type { Client } from '../../client/client.ts';
import { createClient } from '../../client/create-client.ts';
import { createHttpTransport } from '../../client/http-transport.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { createPaths } from '../../daemon/paths.ts';

/** Works with a client of this machine's own server, as its administrator. */
export async function withLocalClient<T>(
  options: { dataDir: string; kubeconfig?: string | undefined },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const file = options.kubeconfig ?? join(createPaths(options.dataDir).server.credentials, 'admin.kubeconfig');
  const transport = createHttpTransport(await loadKubeconfig(file));
  try {
    return await work(createClient(transport));
  } finally {
    transport.close();
  }
}
