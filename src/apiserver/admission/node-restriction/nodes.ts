import type { NodeSpec, PersistentVolumeClaimStatus } from '../../../api/gen/core-v1.ts';
import type { Frozen } from '../../registry/types.ts';
import { refuse } from '../plugin.ts';
import { type NodeAsks, nameOf, q, same } from './asks.ts';

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

type Labels = Readonly<Record<string, string>> | undefined;

const forbiddenLabels = (a: Labels = {}, b: Labels = {}): string =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => a[key] !== b[key] && !mayLabel(key))
    .sort()
    .join(', ');

const specOf = (object: Frozen | undefined): NodeSpec => (object?.spec ?? {}) as NodeSpec;

/** A kubelet makes its own node, and changes of it neither taints nor owners nor what steers others' workloads to it. */
export function admitNode({ node, a }: NodeAsks): void {
  const name = nameOf(a);
  if (name !== node) throw refuse(a, `node ${q(node)} is not allowed to modify node ${q(name)}`);
  const { object, oldObject } = a;
  const source = specOf(object).configSource;
  if (a.operation === 'CREATE') {
    if (source) throw refuse(a, `node ${q(node)} is not allowed to create pods with a non-nil configSource`);
    const forbidden = forbiddenLabels(object?.metadata.labels);
    if (forbidden !== '') throw refuse(a, `node ${q(node)} is not allowed to set the following labels: ${forbidden}`);
  }
  if (a.operation !== 'UPDATE') return;
  if (source && !same(source, specOf(oldObject).configSource))
    throw refuse(a, `node ${q(node)} is not allowed to update configSource to a new non-nil configSource`);
  if (!same(specOf(object).taints ?? [], specOf(oldObject).taints ?? []))
    throw refuse(a, `node ${q(node)} is not allowed to modify taints`);
  if (!same(object?.metadata.ownerReferences ?? [], oldObject?.metadata.ownerReferences ?? []))
    throw refuse(a, `node ${q(node)} is not allowed to modify ownerReferences`);
  const forbidden = forbiddenLabels(object?.metadata.labels, oldObject?.metadata.labels);
  if (forbidden !== '') throw refuse(a, `is not allowed to modify labels: ${forbidden}`);
}

/** All of a claim that is not a kubelet's to say. */
function withoutSizes(object: Frozen | undefined): unknown {
  const { resourceVersion: _, managedFields: __, ...metadata } = { ...object?.metadata };
  const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...status } = {
    ...(object?.status as PersistentVolumeClaimStatus | undefined),
  };
  return { ...object, metadata, status };
}

/** A kubelet tells how large a claim's volume has become, and nothing else. */
export function admitClaim({ node, a }: NodeAsks): void {
  if (a.subresource !== 'status') throw refuse(a, 'may only update PVC status');
  if (a.operation !== 'UPDATE') throw refuse(a, `unexpected operation ${q(a.operation)}`);
  const [now, before] = [withoutSizes(a.object), withoutSizes(a.oldObject)] as Record<string, unknown>[];
  const changed = [...new Set([...Object.keys(now ?? {}), ...Object.keys(before ?? {})])].filter(
    (key) => !same(sorted(now?.[key]), sorted(before?.[key])),
  );
  if (changed.length > 0)
    throw refuse(
      a,
      `node ${q(node)} is not allowed to update fields other than status.quantity and status.conditions: ${changed.join(', ')}`,
    );
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .sort(([x], [y]) => (x < y ? -1 : 1))
        .map(([key, item]) => [key, sorted(item)])
    : value;
