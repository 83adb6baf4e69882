import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-file.ts';
import type { Component } from '../base/component.ts';
import { messageOf, systemCode } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { KeyPair } from '../pki/certificate.ts';
import { ensureAuthority, ensureLeaf } from '../pki/certificate-store.ts';
import { type AuthorityName, apiServerNames, type LeafRow, serverLeaves } from '../pki/cluster-certificates.ts';
import { generateKey, keyFromPem, keyToPem } from '../pki/keys.ts';
import type { ServerConfig } from './config.ts';
import { ownAddresses } from './host-addresses.ts';

/** Everything that a server signs with and shows. */
export interface ServerCertificates {
  readonly authorities: Readonly<Record<AuthorityName, KeyPair>>;
  /** The current pair of one leaf of `serverLeaves`. */
  leaf(name: string): KeyPair;
  /** Signs service-account tokens. */
  readonly serviceAccountKey: KeyObject;
  /** Calls back whenever that leaf was renewed. */
  onRenewed(name: string, listener: (pair: KeyPair) => void): void;
  /** Renews what is due; the daemon calls it twice a day. */
  renew(): Promise<void>;
}

async function ensureServiceAccountKey(path: string): Promise<KeyObject> {
  try {
    return keyFromPem(await readFile(path, 'utf8'));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const key = await generateKey();
    await writeFileAtomic(path, keyToPem(key), { mode: 0o600 });
    return key;
  }
}

/** The names under which the API server is reached. */
async function servingNames(config: ServerConfig): Promise<string[]> {
  const { clusterDomain, apiServiceAddress: serviceAddress } = config;
  const names = [
    ...apiServerNames({ clusterDomain, serviceAddress }),
    config.advertiseAddress,
    hostname().toLowerCase(),
    ...(await ownAddresses()),
    ...(config.node === undefined ? [] : [config.node.nodeName, ...config.node.nodeIps, ...config.node.externalIps]),
    ...config.tlsNames,
  ];
  return [...new Set(names)];
}

export async function ensureServerCertificates(config: ServerConfig, log: Logger): Promise<ServerCertificates> {
  const folder = config.paths.server.tls;
  const [server, client, requestHeader, serviceAccountKey, names] = await Promise.all([
    ensureAuthority(folder, 'server-ca'),
    ensureAuthority(folder, 'client-ca'),
    ensureAuthority(folder, 'request-header-ca'),
    ensureServiceAccountKey(join(folder, 'service.key')),
    servingNames(config),
  ]);
  const authorities = { 'server-ca': server, 'client-ca': client, 'request-header-ca': requestHeader };
  const leaves = new Map<string, KeyPair>();
  const listeners = new Map<string, ((pair: KeyPair) => void)[]>();

  const refresh = async (row: LeafRow): Promise<void> => {
    const { pair, renewed } = await ensureLeaf({
      folder,
      row,
      issuer: authorities[row.authority],
      alternativeNames: row.usages.includes('server') ? names : [],
    });
    leaves.set(row.name, pair);
    if (renewed === undefined) return;
    log.debug('certificate made', { certificate: row.name, because: renewed });
    for (const listener of listeners.get(row.name) ?? []) listener(pair);
  };
  const renew = async (): Promise<void> => {
    await Promise.all(serverLeaves.map(refresh));
  };
  await renew();

  return {
    authorities,
    serviceAccountKey,
    leaf(name) {
      const pair = leaves.get(name);
      if (pair === undefined) throw new Error(`there is no certificate ${name} in the table`);
      return pair;
    },
    onRenewed(name, listener) {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    },
    renew,
  };
}

/** A leaf as it is at the moment at which it is looked at: connections made after a renewal show the new one. */
export const liveLeaf = (
  certificates: Pick<ServerCertificates, 'leaf'>,
  name: string,
): { readonly cert: string; readonly key: string } => ({
  get cert() {
    return certificates.leaf(name).certificate;
  },
  get key() {
    return keyToPem(certificates.leaf(name).key);
  },
});

/** Looks twice a day for what is due. */
export function createRenewal(options: { renew: () => Promise<void>; log: Logger }): Component {
  const { renew, log } = options;
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'certificate-renewal',
    async start() {
      timer = setInterval(() => {
        renew().catch((error: unknown) => log.error('certificates were not renewed', { error: messageOf(error) }));
      }, 12 * 3_600_000);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
    },
  };
}
