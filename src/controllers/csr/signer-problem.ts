import type { CertificateSigningRequest } from '../../api/gen/certificates-v1.ts';
import type { CertificateRequest } from '../../pki/request.ts';
import { signers } from './approve.ts';

type Asked = Omit<CertificateRequest, 'publicKey'>;
type Check = (request: Asked, usages: readonly string[]) => string | undefined;

const plain = ['digital signature', 'key encipherment'];

/** A kubelet's usages: what its certificate is for, and `key encipherment` only where the key is of RSA. */
function usagesProblem(usages: readonly string[], purpose: string): string | undefined {
  const given = [...new Set(usages)].sort();
  const full = [purpose, ...plain].sort();
  const without = full.filter((usage) => usage !== 'key encipherment');
  return [full, without].some((set) => set.join() === given.join())
    ? undefined
    : `usages did not match [${full.join(' ')}]`;
}

const nodesAlone = ({ subject }: Asked): string | undefined =>
  subject.organizations?.join() === 'system:nodes' ? undefined : 'subject organization is not system:nodes';
const namedAsNode = ({ subject }: Asked): string | undefined =>
  subject.commonName?.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';
const emailsOrUris = ({ emails, uris }: Asked): string | undefined =>
  emails > 0 ? 'Email subjectAltNames are not allowed' : uris > 0 ? 'URI subjectAltNames are not allowed' : undefined;

const checks: Readonly<Record<string, Check>> = {
  [signers.kubeletServing]: (request, usages) =>
    nodesAlone(request) ??
    (request.dnsNames.length + request.addresses.length === 0 ? 'DNS or IP subjectAltName is required' : undefined) ??
    emailsOrUris(request) ??
    usagesProblem(usages, 'server auth') ??
    namedAsNode(request),
  [signers.kubeletClient]: (request, usages) =>
    nodesAlone(request) ??
    (request.dnsNames.length > 0 ? 'DNS subjectAltNames are not allowed' : undefined) ??
    (request.emails > 0 ? 'Email subjectAltNames are not allowed' : undefined) ??
    (request.addresses.length > 0 ? 'IP subjectAltNames are not allowed' : undefined) ??
    emailsOrUris(request) ??
    namedAsNode(request) ??
    usagesProblem(usages, 'client auth'),
  [signers.client]: (_request, usages) => {
    const wrong = usages.find((usage) => usage !== 'client auth' && !plain.includes(usage));
    if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
    return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
  },
};

/** Why a built-in signer does not sign what is approved, in upstream's words; undefined when it does. */
export const signerProblem = (csr: CertificateSigningRequest, request: Asked): string | undefined =>
  checks[csr.spec?.signerName ?? '']?.(request, csr.spec?.usages ?? []);
