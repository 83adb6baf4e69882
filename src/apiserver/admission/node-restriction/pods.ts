import type { Pod, PodStatus } from '../../../api/gen/core-v1.ts';
import { refuse } from '../plugin.ts';
import { apiReference } from './api-reference.ts';
import { mustLookUp, type NodeAsks, nameOf, nodeNameOf, q, same } from './asks.ts';

const mirror = 'kubernetes.io/config.mirror';

/** The stored pod that is meant. */
const existing = ({ a, context }: NodeAsks) =>
  mustLookUp(context, { resource: 'pods', namespace: a.namespace, name: nameOf(a) });

async function checkMirror({ node, a, context }: NodeAsks): Promise<void> {
  const { object } = a;
  const name = q(node);
  if (object?.metadata.annotations?.[mirror] === undefined)
    throw refuse(a, `pod does not have ${q(mirror)} annotation, node ${name} can only create mirror pods`);
  if (nodeNameOf(object) !== node)
    throw refuse(a, `node ${name} can only create pods with spec.nodeName set to itself`);
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length > 1)
    throw refuse(a, `node ${name} can only create pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    throw refuse(a, `node ${name} can only create pods with an owner reference set to itself`);
  if (!owner.controller)
    throw refuse(a, `node ${name} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion) throw refuse(a, `node ${name} must not set blockOwnerDeletion on an owner reference`);
  const found = await mustLookUp(context, { resource: 'nodes', name: node });
  if (found.metadata.uid !== owner.uid)
    throw refuse(a, `node ${node} UID mismatch: expected ${owner.uid} got ${found.metadata.uid}`);
  const reference = apiReference(object as unknown as Pod);
  if (reference !== undefined) throw refuse(a, `node ${name} can not create pods that reference ${reference}`);
}

/** What of a pod's claims others decide. */
const claims = ({ resourceClaimStatuses = [] }: PodStatus): unknown =>
  resourceClaimStatuses.map(({ name, resourceClaimName }) => [name, resourceClaimName ?? null]);

function checkStatus({ node, a }: NodeAsks): void {
  if (a.operation !== 'UPDATE') throw refuse(a, `unexpected operation ${q(a.operation)}`);
  const { object, oldObject } = a;
  const name = q(node);
  if (nodeNameOf(oldObject) !== node)
    throw refuse(a, `node ${name} can only update pod status for pods with spec.nodeName set to itself`);
  const labels = (o: typeof oldObject) => Object.entries(o?.metadata.labels ?? {}).sort();
  if (!same(labels(object), labels(oldObject))) throw refuse(a, `node ${name} cannot update labels through pod status`);
  const [now, before] = [(object?.status ?? {}) as PodStatus, (oldObject?.status ?? {}) as PodStatus];
  if (!same(claims(now), claims(before))) throw refuse(a, `node ${name} cannot update resource claim statues`);
  if (!same(now.extendedResourceClaimStatus, before.extendedResourceClaimStatus))
    throw refuse(a, `node ${name} cannot update extended resource claim status`);
}

/** Mirror pods of its own, the status of the pods bound to it, and their going: that is a kubelet's. */
export async function admitPod(asks: NodeAsks): Promise<void> {
  const { node, a } = asks;
  switch (a.subresource ?? '') {
    case '':
      if (a.operation === 'CREATE') return checkMirror(asks);
      if (a.operation !== 'DELETE') {
        const may = `node ${q(node)} can only create and delete mirror pods`;
        throw refuse(a, `unexpected operation ${q(a.operation)}, ${may}`);
      }
      if (nodeNameOf(await existing(asks)) !== node)
        throw refuse(a, `node ${q(node)} can only delete pods with spec.nodeName set to itself`);
      return undefined;
    case 'status':
      return checkStatus(asks);
    case 'eviction':
      if (a.operation !== 'CREATE') throw refuse(a, `unexpected operation ${a.operation}`);
      if (nodeNameOf(await existing(asks)) !== node)
        throw refuse(a, `node ${node} can only evict pods with spec.nodeName set to itself`);
      return undefined;
    default:
      throw refuse(a, `unexpected pod subresource ${q(a.subresource ?? '')}, only 'status' and 'eviction' are allowed`);
  }
}
