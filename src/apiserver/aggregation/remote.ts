import type { APIService } from '../../api/gen/apiregistration-v1.ts';
import type { Target } from '../connect/backend-connection.ts';
import { serviceProxyTarget } from '../connect/proxy-targets.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';

export interface ProxyClient {
  readonly cert: string;
  readonly key: string;
}

/** Where the server behind an APIService is now. */
export async function remoteTarget(
  registry: Registry,
  service: APIService,
  client: ProxyClient | undefined,
): Promise<Target> {
  const { name = '', namespace = '', port = 443 } = service.spec?.service ?? {};
  const { target } = await serviceProxyTarget(
    registry,
    namespace,
    { scheme: 'https', name, port: String(port) },
    { own: true },
  );
  const { caBundle, insecureSkipTLSVerify } = service.spec ?? {};
  return {
    ...target,
    tls: {
      ...client,
      ...(caBundle && !insecureSkipTLSVerify ? { ca: Buffer.from(caBundle, 'base64').toString() } : {}),
      name: `${name}.${namespace}.svc`,
    },
  };
}

/** How a front proxy tells who asks. */
export function userHeaders(user: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': user.name, 'x-remote-group': [...user.groups] };
  if (user.uid) headers['x-remote-uid'] = user.uid;
  for (const [key, values] of Object.entries(user.extra ?? {}))
    headers[`x-remote-extra-${encodeURIComponent(key)}`] = [...values];
  return headers;
}
