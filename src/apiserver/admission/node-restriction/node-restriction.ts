import type { CertificateSigningRequest } from '../../../api/gen/certificates-v1.ts';
import { messageOf } from '../../../base/errors.ts';
import { parseRequest } from '../../../pki/request.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { nodeOf } from '../../authz/node.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from '../plugin.ts';
import { type NodeAsks, nameOf, nodeNameOf, q } from './asks.ts';
import { admitClaim, admitNode } from './nodes.ts';
import { admitPod } from './pods.ts';
import { admitToken } from './tokens.ts';

const leases = 'kube-node-lease';

function admitLease({ node, a }: NodeAsks): void {
  if (a.namespace !== leases) throw refuse(a, `can only access leases in the ${q(leases)} system namespace`);
  if (nameOf(a) !== node) throw refuse(a, 'can only access node lease with the same name as the requesting node');
}

function admitCsiNode({ node, a }: NodeAsks): void {
  if (nameOf(a) !== node) throw refuse(a, 'can only access CSINode with the same name as the requesting node');
}

function admitSlice({ node, a }: NodeAsks): void {
  if (a.operation === 'UPDATE') return;
  const slice = a.operation === 'DELETE' ? a.oldObject : a.object;
  if (nodeNameOf(slice) === node) return;
  const verb = a.operation === 'DELETE' ? 'delete' : 'create';
  throw refuse(a, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
}

const nodeSigners = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'];

function admitRequest({ node, a }: NodeAsks): void {
  if (a.operation !== 'CREATE') return;
  const { spec } = a.object as unknown as CertificateSigningRequest;
  if (!nodeSigners.includes(spec?.signerName ?? '')) return;
  let name: string;
  try {
    name = parseRequest(Buffer.from(spec.request ?? '', 'base64').toString()).subject.commonName;
  } catch (error) {
    throw refuse(a, `unable to parse csr: ${messageOf(error)}`);
  }
  if (name !== `system:node:${node}`) throw refuse(a, `can only create a node CSR with CN=system:node:${node}`);
}

/**
 * A kubelet alters its own node, the pods bound to it, its lease and its CSI node: nothing of others. Upstream:
 * `plugin/pkg/admission/noderestriction`.
 */
export function nodeRestriction(context: AdmissionContext, authorizer: Authorizer): AdmissionPlugin {
  const handlers: Readonly<Record<string, (asks: NodeAsks) => void | Promise<void>>> = {
    '/nodes': admitNode,
    '/pods': admitPod,
    '/persistentvolumeclaims': admitClaim,
    '/serviceaccounts': (asks) => admitToken(asks, authorizer),
    'coordination.k8s.io/leases': admitLease,
    'storage.k8s.io/csinodes': admitCsiNode,
    'resource.k8s.io/resourceslices': admitSlice,
    'certificates.k8s.io/certificatesigningrequests': admitRequest,
  };
  return {
    name: 'NodeRestriction',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    mutate(a) {
      const { user } = a.context;
      const node = nodeOf(user);
      if (node === undefined) return false;
      if (node === '') throw refuse(a, `could not determine node from user ${q(user.name)}`);
      const checked = handlers[`${a.group}/${a.resource}`]?.({ node, a, context });
      return checked ? checked.then(() => false) : false;
    },
  };
}
