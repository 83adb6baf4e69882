import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { systemCode } from '../../base/errors.ts';
import type { KeyPair } from '../../pki/certificate.ts';
import { readKeyPair, renewalReason, writeKeyPair } from '../../pki/certificate-store.ts';
import { type LeafRow, nodeLeaves } from '../../pki/cluster-certificates.ts';
import { generateKey } from '../../pki/keys.ts';
import { createRequest } from '../../pki/request.ts';
import { generatePassword } from '../../pki/token.ts';
import type { ClusterSettings } from './cluster-settings.ts';

/** Where a node learns about its cluster and gets its certificates: a server over HTTPS, or this very process. */
export interface Cluster {
  readonly serverCa: string;
  readonly clientCa: string;
  settings(): Promise<ClusterSettings>;
  /** `host:port` of every API server. */
  apiServers(): Promise<readonly string[]>;
  /** Signs one of `nodeLeaves`; only the key of the request counts. Returns leaf and authority (PEM). */
  sign(leaf: string, request: string): Promise<string>;
}

/** The password by which this machine is known again, made on first use. */
export async function ensureNodePassword(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const password = generatePassword();
    await writeFileAtomic(path, `${password}\n`, { mode: 0o600 });
    return password;
  }
}

/** Names that a node's serving certificate is for. */
export const servingNamesOfNode = (nodeName: string, addresses: readonly string[]): string[] => [
  nodeName,
  'localhost',
  '127.0.0.1',
  '::1',
  ...addresses,
];

async function ensureNodeLeaf(
  folder: string,
  row: LeafRow,
  cluster: Cluster,
  names: readonly string[],
): Promise<KeyPair> {
  const present = await readKeyPair(folder, row.name);
  const issuer = { certificate: row.authority === 'server-ca' ? cluster.serverCa : cluster.clientCa };
  const serving = row.usages.includes('server');
  if (
    present !== undefined &&
    renewalReason({ certificate: present.certificate, issuer, alternativeNames: serving ? names : [] }) === undefined
  )
    return present;
  const key = present?.key ?? (await generateKey());
  const request = createRequest({ key, subject: row.subject, alternativeNames: serving ? names : [] });
  const pair = { certificate: await cluster.sign(row.name, request), key };
  await writeKeyPair(folder, row.name, pair);
  return pair;
}

/** This node's certificates by name (`nodeLeaves`): kept while good, else signed by the cluster. */
export async function ensureNodeCertificates(options: {
  folder: string;
  nodeName: string;
  addresses: readonly string[];
  cluster: Cluster;
}): Promise<ReadonlyMap<string, KeyPair>> {
  const { folder, nodeName, cluster } = options;
  await Promise.all([
    writeFileAtomic(join(folder, 'server-ca.crt'), cluster.serverCa),
    writeFileAtomic(join(folder, 'client-ca.crt'), cluster.clientCa),
  ]);
  const names = servingNamesOfNode(nodeName, options.addresses);
  const pairs = await Promise.all(
    nodeLeaves(nodeName).map(async (row) => [row.name, await ensureNodeLeaf(folder, row, cluster, names)] as const),
  );
  return new Map(pairs);
}
