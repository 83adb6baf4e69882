import { KnarrError } from '../../base/errors.ts';
import { issueLeaf, type KeyPair } from '../../pki/certificate.ts';
import { type AuthorityName, nodeLeaves } from '../../pki/cluster-certificates.ts';
import { parseRequest } from '../../pki/request.ts';
import { servingNamesOfNode } from './node-identity.ts';

/** Who asks, after its password was checked. */
export interface NodeApplicant {
  readonly nodeName: string;
  readonly addresses: readonly string[];
}

/**
 * Signs one of a node's certificates. Subject, usage and names come from the table and from who asks: of the request
 * only the key is taken. Throws KnarrError for a name that is not in the table or a request that cannot be read.
 */
export function signNodeLeaf(options: {
  leaf: string;
  request: string;
  applicant: NodeApplicant;
  authorities: Readonly<Record<AuthorityName, KeyPair>>;
}): string {
  const { leaf, applicant, authorities } = options;
  const row = nodeLeaves(applicant.nodeName).find((candidate) => candidate.name === leaf);
  if (row === undefined)
    throw new KnarrError({ code: 'no-such-certificate', blame: 'user', message: `no node has a certificate ${leaf}` });
  const issuer = authorities[row.authority];
  const certificate = issueLeaf({
    issuer,
    publicKey: parseRequest(options.request).publicKey,
    subject: row.subject,
    usages: row.usages,
    alternativeNames: row.usages.includes('server') ? servingNamesOfNode(applicant.nodeName, applicant.addresses) : [],
  });
  return certificate + issuer.certificate;
}
