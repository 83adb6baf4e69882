import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateSigningRequest } from '../../api/gen/certificates-v1.ts';
import type { CertificateRequest } from '../../pki/request.ts';
import { signerProblem } from './signer-problem.ts';

const node = {
  subject: { commonName: 'system:node:a', organizations: ['system:nodes'] },
  dnsNames: [],
  addresses: [],
  emails: 0,
  uris: 0,
  otherNames: 0,
};
const usages = (purpose: string): string[] => ['digital signature', purpose];

const rows: [string, string, string[], Partial<CertificateRequest>, string | undefined][] = [
  ['a kubelet as a client', 'kube-apiserver-client-kubelet', usages('client auth'), {}, undefined],
  [
    'with a name that is not allowed',
    'kube-apiserver-client-kubelet',
    usages('client auth'),
    { dnsNames: ['x'] },
    'DNS subjectAltNames are not allowed',
  ],
  [
    'of another organization',
    'kube-apiserver-client-kubelet',
    usages('client auth'),
    { subject: { commonName: 'system:node:a', organizations: ['x'] } },
    'subject organization is not system:nodes',
  ],
  [
    'that would also serve',
    'kube-apiserver-client-kubelet',
    [...usages('client auth'), 'server auth'],
    {},
    'usages did not match [client auth digital signature key encipherment]',
  ],
  ['a kubelet that serves', 'kubelet-serving', usages('server auth'), { addresses: ['10.0.0.1'] }, undefined],
  ['without a name', 'kubelet-serving', usages('server auth'), {}, 'DNS or IP subjectAltName is required'],
  [
    'with a URI',
    'kubelet-serving',
    usages('server auth'),
    { dnsNames: ['x'], uris: 1 },
    'URI subjectAltNames are not allowed',
  ],
  [
    'that is no node',
    'kubelet-serving',
    usages('server auth'),
    { dnsNames: ['x'], subject: { commonName: 'x', organizations: ['system:nodes'] } },
    'subject common name does not begin with system:node:',
  ],
  ['any client', 'kube-apiserver-client', ['client auth'], {}, undefined],
  [
    'a client that would serve',
    'kube-apiserver-client',
    ['client auth', 'server auth'],
    {},
    'invalid usage for client certificate: server auth',
  ],
  [
    'a client that is none',
    'kube-apiserver-client',
    ['digital signature'],
    {},
    'missing required usage for client certificate: client auth',
  ],
  ['whatever was signed of old', 'legacy-unknown', ['code signing'], {}, undefined],
];
for (const [name, signer, asked, more, expected] of rows)
  test(name, () => {
    const csr = { metadata: {}, spec: { signerName: `kubernetes.io/${signer}`, usages: asked } };
    assert.equal(
      signerProblem(csr as unknown as CertificateSigningRequest, { ...node, ...more } as CertificateRequest),
      expected,
    );
  });
