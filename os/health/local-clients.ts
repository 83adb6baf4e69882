import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { createPaths, defaultDataDir, type Paths } from '../../src/daemon/paths.ts';
import type { UpgradeState } from '../../src/daemon/upgrade/state.ts';

/** How this machine's own programs reach the cluster. */
export interface LocalClients {
  /** It has been a server at least once. */
  readonly isServer: boolean;
  /** The administrator's, on a server. */
  readonly admin: Client | undefined;
  /** This node's own, on every machine that is a node. */
  readonly node: { readonly client: Client; readonly name: string } | undefined;
  close(): void;
}

/** Where the daemon of this machine keeps its state. */
export const daemonPaths = async (state: UpgradeState): Promise<Paths> =>
  createPaths((await state.read('daemon'))?.dataDir ?? defaultDataDir(0));

/** A node's name is in its certificate: `system:node:NAME`. */
export const nodeNameOf = (certificate: string): string | undefined =>
  /^CN=system:node:(.+)$/m.exec(new X509Certificate(certificate).subject)?.[1];

/** The clients as far as the daemon has written what they need; requests end after `timeoutMs`. */
export async function openLocalClients(host: Host, state: UpgradeState, timeoutMs = 10_000): Promise<LocalClients> {
  const paths = await daemonPaths(state);
  const adminKubeconfig = join(paths.server.credentials, 'admin.kubeconfig');
  const opened: { close(): void }[] = [];
  const open = async (path: string): Promise<Client | undefined> => {
    const file = host.path(path);
    if (!existsSync(file)) return undefined;
    const transport = createHttpTransport({ ...(await loadKubeconfig(file)), timeoutMs });
    opened.push(transport);
    return createClient(transport);
  };
  const certificate = await readFile(host.path(join(paths.agent.root, 'client-kubelet.crt')), 'utf8').catch(() => '');
  const name = certificate === '' ? undefined : nodeNameOf(certificate);
  const [admin, client] = [await open(adminKubeconfig), await open(paths.agent.kubeletKubeconfig)];
  return {
    isServer: existsSync(host.path(adminKubeconfig)),
    admin,
    node: client === undefined || name === undefined ? undefined : { client, name },
    close() {
      for (const transport of opened) transport.close();
    },
  };
}
