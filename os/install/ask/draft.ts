import { parseCloudConfig } from '../../../cloud-config/parse.ts';
import type { CloudConfig } from '../../../cloud-config/schema.ts';
import { textOf } from '../kept-config.ts';

export interface StaticAddress {
  readonly port: string;
  readonly address: string;
  readonly gateway: string;
  readonly nameServers: readonly string[];
}

/** What a person has answered so far. */
export interface Draft {
  device?: string;
  role: 'server' | 'agent';
  /** Of an agent. */
  serverUrl?: string;
  token?: string;
  /** Undefined: by DHCP. */
  network?: StaticAddress;
  hostname?: string;
  keys: string[];
  password?: string;
  /** A configuration kept elsewhere, instead of all of this but the disk. */
  configUrl?: string;
}

/** The cloud-config that the answers amount to, over what the machine was told already. */
export function configOf(draft: Draft, base: CloudConfig): CloudConfig {
  const { server_url: _, token: __, ...k3os } = base.k3os ?? {};
  const { address, gateway, nameServers = [], port } = draft.network ?? {};
  const { hostname: ___, ssh_authorized_keys: ____, ...rest } = base;
  return {
    ...rest,
    ...(draft.hostname === undefined ? {} : { hostname: draft.hostname }),
    ...(draft.keys.length === 0 ? {} : { ssh_authorized_keys: draft.keys }),
    ...(port === undefined || address === undefined
      ? {}
      : {
          network: {
            ethernets: {
              [port]: {
                addresses: [address],
                ...(gateway ? { routes: [{ to: 'default', via: gateway }] } : {}),
                ...(nameServers.length === 0 ? {} : { nameservers: { addresses: [...nameServers] } }),
              },
            },
          },
        }),
    k3os: {
      ...k3os,
      ...(draft.role === 'agent' && draft.serverUrl !== undefined ? { server_url: draft.serverUrl } : {}),
      ...(draft.token === undefined ? {} : { token: draft.token }),
      ...(draft.password === undefined ? {} : { password: draft.password }),
    },
  };
}

/** What the language itself has to say against a configuration; undefined: nothing. */
export function wrongIn(config: CloudConfig): string | undefined {
  const [problem] = parseCloudConfig('', textOf(config)).problems;
  return problem?.message;
}

/** What will be installed, for a person to look over. */
export function review(draft: Draft): string[] {
  const lines: [string, string][] = [['disk', draft.device ?? '']];
  if (draft.configUrl !== undefined) lines.push(['configuration', draft.configUrl]);
  else {
    const { network } = draft;
    lines.push(
      ['role', draft.role === 'agent' ? `agent of ${draft.serverUrl}` : 'server'],
      ['token', draft.token === undefined ? 'made by the server' : '***'],
      [
        'network',
        network === undefined
          ? 'DHCP'
          : `${network.port} ${network.address}${network.gateway === '' ? '' : ` via ${network.gateway}`}`,
      ],
      ['name servers', network === undefined ? 'DHCP' : network.nameServers.join(', ') || 'none'],
      ['host name', draft.hostname ?? 'made from the machine id'],
      ['ssh keys', draft.keys.map((key) => (key.length > 40 ? `${key.slice(0, 37)}...` : key)).join(', ') || 'none'],
      ['password', draft.password === undefined ? 'none' : '***'],
    );
  }
  return lines.map(([name, value]) => `${name.padEnd(14)} ${value}`);
}
