import type { CertificateSigningRequest } from '../../api/gen/certificates-v1.ts';

export const signers = {
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  client: 'kubernetes.io/kube-apiserver-client',
  legacy: 'kubernetes.io/legacy-unknown',
} as const;

/** What the built-in signers sign. */
export const isBuiltIn = (csr: CertificateSigningRequest): boolean =>
  (Object.values(signers) as string[]).includes(csr.spec?.signerName ?? '');

export const hasCondition = (csr: CertificateSigningRequest, type: string): boolean =>
  (csr.status?.conditions ?? []).some((c) => c.type === type);

const allowedUsages: Readonly<Record<string, readonly (readonly string[])[]>> = {
  [signers.kubeletClient]: [
    ['client auth', 'digital signature', 'key encipherment'],
    ['client auth', 'digital signature'],
  ],
};

/** The subresource that the asker must be allowed to create, when the request is for a kubelet's client certificate. */
export function kubeletClientAsk(
  csr: CertificateSigningRequest,
  subject: { commonName: string; organizations: readonly string[]; hasNames: boolean },
): 'selfnodeclient' | 'nodeclient' | undefined {
  const { signerName = '', usages = [], username } = csr.spec ?? {};
  const sets = allowedUsages[signerName];
  const same = (set: readonly string[]): boolean =>
    set.length === usages.length && usages.every((u) => set.includes(u));
  if (!sets?.some(same)) return undefined;
  if (!subject.commonName.startsWith('system:node:') || subject.hasNames) return undefined;
  if (subject.organizations.length !== 1 || subject.organizations[0] !== 'system:nodes') return undefined;
  return username === subject.commonName ? 'selfnodeclient' : 'nodeclient';
}
