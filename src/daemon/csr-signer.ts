import { KnarrError } from '../base/errors.ts';
import { type ExtendedUsage, issueLeaf, type KeyPair } from '../pki/certificate.ts';
import type { AuthorityName } from '../pki/cluster-certificates.ts';
import { parseRequest } from '../pki/request.ts';

/** Which authority stands behind each built-in signer. */
const authorityOf: Readonly<Record<string, AuthorityName>> = {
  'kubernetes.io/kube-apiserver-client': 'client-ca',
  'kubernetes.io/kube-apiserver-client-kubelet': 'client-ca',
  'kubernetes.io/kubelet-serving': 'server-ca',
  'kubernetes.io/legacy-unknown': 'client-ca',
};

const usageOf: Readonly<Record<string, ExtendedUsage>> = { 'client auth': 'client', 'server auth': 'server' };

const day = 86_400;

/** Signs what the controllers approved: for at most a year (or `mostSeconds`), or as long as was asked for. */
export function createCsrSigner(authorities: Readonly<Record<AuthorityName, KeyPair>>, mostSeconds = 365 * day) {
  return async (request: {
    readonly signerName: string;
    readonly csr: string;
    readonly usages: readonly string[];
    readonly expirationSeconds?: number | undefined;
  }): Promise<string> => {
    const authority = authorityOf[request.signerName];
    if (authority === undefined)
      throw new KnarrError({
        code: 'unknown-signer',
        blame: 'user',
        message: `${request.signerName} is not one of the built-in signers`,
      });
    const { subject, publicKey, dnsNames, addresses } = parseRequest(request.csr);
    const seconds = Math.min(Math.max(request.expirationSeconds ?? mostSeconds, 600), mostSeconds);
    return issueLeaf({
      issuer: authorities[authority],
      publicKey,
      subject,
      usages: request.usages.flatMap((usage) => usageOf[usage] ?? []),
      alternativeNames: [...dnsNames, ...addresses],
      days: seconds / day,
    });
  };
}
