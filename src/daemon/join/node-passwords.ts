import { secrets } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { KnarrError } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import { hashNodePassword, verifyNodePassword } from '../../pki/node-password.ts';

const namespace = 'kube-system';

export const rejected = (nodeName: string): KnarrError =>
  new KnarrError({
    code: 'node-password-rejected',
    blame: 'user',
    message:
      `Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match ` +
      `server node-passwd entry, try enabling a unique node name with the --with-node-id flag`,
    details: { nodeName },
  });

/**
 * Lets a node in by the password it showed when it first came (Secret `<node>.node-password.k3s`); the first to come
 * under a name keeps it. Throws KnarrError `node-password-rejected`.
 */
export async function checkNodePassword(client: Client, nodeName: string, password: string): Promise<void> {
  const name = `${nodeName}.node-password.k3s`;
  const stored = await read(client, name);
  if (stored === undefined) {
    const hash = Buffer.from(await hashNodePassword(password)).toString('base64');
    const made = await client
      .create(
        secrets,
        { metadata: { name, namespace }, type: 'Opaque', immutable: true, data: { hash } },
        { namespace },
      )
      .catch((error: unknown) => {
        if (isApiError(error, 'AlreadyExists')) return undefined;
        throw error;
      });
    if (made !== undefined) return;
    return checkNodePassword(client, nodeName, password); // another request was first: its password counts
  }
  if (!(await verifyNodePassword(password, stored))) throw rejected(nodeName);
}

async function read(client: Client, name: string): Promise<string | undefined> {
  try {
    const secret = await client.get(secrets, name, { namespace });
    return Buffer.from(secret.data?.hash ?? '', 'base64').toString();
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}
