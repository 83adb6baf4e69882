import type { NodeSpec, Pod } from '../../api/gen/core-v1.ts';
import { nodeOf } from '../authz/node.ts';
import { podReferences } from '../authz/pod-references.ts';
import type { AdmissionAttributes, Frozen } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, lookUp, refuse } from './plugin.ts';

const mirror = 'kubernetes.io/config.mirror';
const pods = { group: '', resource: 'pods' };

/** Labels in Kubernetes' own namespaces that a kubelet may set on its node. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

const inDomain = (namespace: string, domain: string): boolean =>
  namespace === domain || namespace.endsWith(`.${domain}`);

function mayLabel(key: string): boolean {
  const slash = key.indexOf('/');
  const namespace = slash < 0 ? '' : key.slice(0, slash);
  if (inDomain(namespace, 'node-restriction.kubernetes.io')) return false;
  if (!inDomain(namespace, 'kubernetes.io') && !inDomain(namespace, 'k8s.io')) return true;
  return (
    kubeletLabels.has(key) || inDomain(namespace, 'kubelet.kubernetes.io') || inDomain(namespace, 'node.kubernetes.io')
  );
}

function changedLabels(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const q = (text: string): string => JSON.stringify(text);

function admitNode(node: string, a: AdmissionAttributes): void {
  const name = a.name || a.object?.metadata.name || '';
  if (name !== node) throw refuse(a, `node ${q(node)} is not allowed to modify node ${q(name)}`);
  const { object, oldObject } = a;
  if (!object) return;
  if (a.operation === 'CREATE') {
    const forbidden = Object.keys(object.metadata.labels ?? {}).filter((key) => !mayLabel(key));
    if (forbidden.length > 0)
      throw refuse(a, `node ${q(node)} is not allowed to set the following labels: ${forbidden.sort().join(', ')}`);
  } else if (a.operation === 'UPDATE' && oldObject) {
    if (!same((object.spec as NodeSpec | undefined)?.taints, (oldObject.spec as NodeSpec | undefined)?.taints))
      throw refuse(a, `node ${q(node)} is not allowed to modify taints`);
    if (!same(object.metadata.ownerReferences, oldObject.metadata.ownerReferences))
      throw refuse(a, `node ${q(node)} is not allowed to modify ownerReferences`);
    const forbidden = changedLabels(object.metadata.labels, oldObject.metadata.labels).filter((key) => !mayLabel(key));
    if (forbidden.length > 0) throw refuse(a, `is not allowed to modify labels: ${forbidden.sort().join(', ')}`);
  }
}

const nodeNameOf = (pod: Frozen | undefined): string | undefined =>
  (pod?.spec as { nodeName?: string } | undefined)?.nodeName;

/** A kubelet alters its own node, the pods bound to it, its lease and its CSI node: nothing of others. */
export function nodeRestriction(context: AdmissionContext): AdmissionPlugin {
  const admitMirror = async (node: string, a: AdmissionAttributes): Promise<void> => {
    const { object } = a;
    if (object?.metadata.annotations?.[mirror] === undefined)
      throw refuse(a, `pod does not have ${q(mirror)} annotation, node ${q(node)} can only create mirror pods`);
    if (nodeNameOf(object) !== node)
      throw refuse(a, `node ${q(node)} can only create pods with spec.nodeName set to itself`);
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length > 1)
      throw refuse(a, `node ${q(node)} can only create pods with a single owner reference set to itself`);
    const owner = owners[0];
    if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
      throw refuse(a, `node ${q(node)} can only create pods with an owner reference set to itself`);
    if (!owner.controller)
      throw refuse(a, `node ${q(node)} can only create pods with a controller owner reference set to itself`);
    if (owner.blockOwnerDeletion)
      throw refuse(a, `node ${q(node)} must not set blockOwnerDeletion on an owner reference`);
    const found = await lookUp(context, { group: '', resource: 'nodes' }, { name: node });
    if (found && found.metadata.uid !== owner.uid)
      throw refuse(a, `node ${node} UID mismatch: expected ${owner.uid} got ${found.metadata.uid}`);
    const [reference] = podReferences(object as unknown as Pod);
    if (reference) throw refuse(a, `node ${q(node)} can not create pods that reference ${reference.split('/')[0]}`);
  };

  const admitPod = async (node: string, a: AdmissionAttributes): Promise<void> => {
    const existing = (): Promise<Frozen | undefined> =>
      lookUp(context, pods, { namespace: a.namespace, name: a.name || a.object?.metadata.name || '' });
    switch (a.subresource ?? '') {
      case '': {
        if (a.operation === 'CREATE') return admitMirror(node, a);
        if (a.operation !== 'DELETE')
          throw refuse(
            a,
            `unexpected operation ${q(a.operation)}, node ${q(node)} can only create and delete mirror pods`,
          );
        const pod = await existing();
        if (pod && nodeNameOf(pod) !== node)
          throw refuse(a, `node ${q(node)} can only delete pods with spec.nodeName set to itself`);
        return;
      }
      case 'status':
        if (nodeNameOf(a.oldObject) !== node)
          throw refuse(a, `node ${q(node)} can only update pod status for pods with spec.nodeName set to itself`);
        if (!same(a.object?.metadata.labels, a.oldObject?.metadata.labels))
          throw refuse(a, `node ${q(node)} cannot update labels through pod status`);
        return;
      case 'eviction': {
        const pod = await existing();
        if (pod && nodeNameOf(pod) !== node)
          throw refuse(a, `node ${node} can only evict pods with spec.nodeName set to itself`);
        return;
      }
      default:
        throw refuse(
          a,
          `unexpected pod subresource ${q(a.subresource ?? '')}, only 'status' and 'eviction' are allowed`,
        );
    }
  };

  const admitToken = async (node: string, a: AdmissionAttributes): Promise<void> => {
    if (a.subresource !== 'token') return;
    const reference = (
      a.object?.spec as { boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string } }
    )?.boundObjectRef;
    if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || !reference.name)
      throw refuse(a, 'node requested token not bound to a pod');
    if (!reference.uid) throw refuse(a, 'node requested token with a pod binding without a uid');
    const pod = await lookUp(context, pods, { namespace: a.namespace, name: reference.name });
    if (!pod) return;
    if (pod.metadata.uid !== reference.uid)
      throw refuse(
        a,
        `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    if (nodeNameOf(pod) !== node) throw refuse(a, 'node requested token bound to a pod scheduled on a different node');
  };

  const named =
    (what: string) =>
    (node: string, a: AdmissionAttributes): void => {
      const name = a.name || a.object?.metadata.name || '';
      if (a.operation === 'CREATE' && name !== node)
        throw refuse(a, `can only access ${what} with the same name as the requesting node`);
    };

  const handlers: Readonly<Record<string, (node: string, a: AdmissionAttributes) => void | Promise<void>>> = {
    '/nodes': admitNode,
    '/pods': admitPod,
    '/serviceaccounts': admitToken,
    'coordination.k8s.io/leases': named('node lease'),
    'storage.k8s.io/csinodes': named('CSINode'),
    'resource.k8s.io/resourceslices': (node, a) => {
      if (a.operation === 'CREATE' && nodeNameOf(a.object) !== node)
        throw refuse(a, 'can only create ResourceSlice with the same NodeName as the requesting node');
    },
  };

  return {
    name: 'NodeRestriction',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    validate(attributes) {
      const { user } = attributes.context;
      const node = nodeOf(user);
      if (node === undefined) return undefined;
      if (node === '') throw refuse(attributes, `could not determine node from user ${q(user.name)}`);
      return handlers[`${attributes.group}/${attributes.resource}`]?.(node, attributes);
    },
  };
}
