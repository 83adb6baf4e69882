import type { CertificateSigningRequest } from '../../api/gen/certificates-v1.ts';
import { messageOf } from '../../base/errors.ts';
import { parseRequest } from '../../pki/request.ts';
import { type Authorizer, withDecisions } from '../authz/authorizer.ts';
import type { UserInfo } from '../server.ts';
import { type AdmissionPlugin, refuse } from './plugin.ts';

const group = 'certificates.k8s.io';

/** Whether somebody may `approve` or `sign` for a signer: by its name, or by `domain/*`. */
function mayFor(authorizer: Authorizer, user: UserInfo, verb: string, signer: string): boolean | Promise<boolean> {
  const domain = signer.split('/')[0] ?? '';
  const attributes = {
    isResource: true,
    path: '',
    verb,
    group,
    version: '*',
    resource: 'signers',
    subresource: '',
    namespace: '',
  };
  return withDecisions(authorizer, (settled) =>
    [signer, `${domain}/*`].some((name) => settled.authorize(user, { ...attributes, name }).allowed),
  );
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Who may approve requests, who may sign them, and that nobody asks for system:masters. */
export function certificatePlugins(authorizer: Authorizer): AdmissionPlugin[] {
  return [
    {
      name: 'CertificateApproval',
      operations: ['UPDATE'],
      resources: [`${group}/certificatesigningrequests/approval`],
      async validate(attributes) {
        const { signerName = '' } = (attributes.oldObject as unknown as CertificateSigningRequest).spec;
        if (!(await mayFor(authorizer, attributes.context.user, 'approve', signerName)))
          throw refuse(attributes, `user not permitted to approve requests with signerName "${signerName}"`);
      },
    },
    {
      name: 'CertificateSigning',
      operations: ['UPDATE'],
      resources: [`${group}/certificatesigningrequests/status`],
      async validate(attributes) {
        const old = attributes.oldObject as unknown as CertificateSigningRequest;
        const now = attributes.object as unknown as CertificateSigningRequest;
        const decided = ({ status }: CertificateSigningRequest) => [status?.certificate, status?.conditions ?? []];
        if (same(decided(old), decided(now))) return;
        const { signerName = '' } = old.spec;
        if (!(await mayFor(authorizer, attributes.context.user, 'sign', signerName)))
          throw refuse(attributes, `user not permitted to sign requests with signerName "${signerName}"`);
      },
    },
    {
      name: 'CertificateSubjectRestriction',
      operations: ['CREATE'],
      resources: [`${group}/certificatesigningrequests`],
      validate(attributes) {
        const { spec } = attributes.object as unknown as CertificateSigningRequest;
        if (spec.signerName !== 'kubernetes.io/kube-apiserver-client') return;
        let organizations: readonly string[];
        try {
          const pem = Buffer.from(spec.request ?? '', 'base64').toString();
          organizations = parseRequest(pem).subject.organizations ?? [];
        } catch (error) {
          throw refuse(attributes, `failed to parse CSR: ${messageOf(error)}`);
        }
        if (organizations.includes('system:masters'))
          throw refuse(attributes, `use of ${spec.signerName} signer with system:masters group is not allowed`);
      },
    },
  ];
}
