import { createPrivateKey, X509Certificate } from 'node:crypto';
import { sameValue } from '../equal.ts';
import type { Deployment, StatefulSet } from '../gen/apps-v1.ts';
import type { CronJob, Job, JobSpec } from '../gen/batch-v1.ts';
import type {
  Endpoints,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplateSpec,
  Secret,
  Service,
  ServiceAccount,
} from '../gen/core-v1.ts';
import type { NetworkPolicy, NetworkPolicyPeer } from '../gen/networking-v1.ts';
import type { RuntimeClass } from '../gen/node-v1.ts';
import type { CSIStorageCapacity, StorageClass } from '../gen/storage-v1.ts';
import { isDns1123Label } from '../names.ts';
import type { KubernetesObject } from '../object.ts';
import type { GroupVersionKind } from '../schema.ts';
import { addressWarnings, networkWarnings } from './addresses.ts';
import { admissionObject, deviceSlice, endpointSlice, ingress, quota, storageDriver } from './advice.ts';
import { keyWarnings, labelWarning, selectorWarnings, termWarnings } from './node-labels.ts';
import { claimSpecWarnings, type PodLike, podWarnings } from './pod.ts';

type Warn = (object: never, old: KubernetesObject | undefined) => string[];

/** Names that hosts will get have to be DNS labels to be of use; they cannot change later. */
function hostName(object: KubernetesObject, use: string, old: KubernetesObject | undefined): string[] {
  const wrong = isDns1123Label(object.metadata.name ?? '');
  if (old || object.metadata.name === undefined || wrong.length === 0) return [];
  const why = 'which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: this is used in ${use}, ${why}: [${wrong.join(' ')}]`];
}

/** What is told of a template where it may have changed. */
const template = (
  path: string,
  given: PodTemplateSpec | undefined,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
): string[] =>
  old && old.metadata.generation === object.metadata.generation ? [] : podWarnings((given ?? {}) as PodLike, path);

/** Workloads whose pods are called after them. */
const namedAfter: Warn = (object: Deployment, old) => [
  ...hostName(object, 'Pod names and hostnames', old),
  ...template('spec.template', object.spec?.template, object, old),
];

const manyIndexes =
  'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';

function jobSpec(path: string, spec: JobSpec | undefined, object: KubernetesObject, old?: KubernetesObject): string[] {
  if (old && old.metadata.generation === object.metadata.generation) return [];
  const { completionMode, completions = 0, parallelism = 0 } = spec ?? {};
  const many = completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000;
  return [...(many ? [`${path}: ${manyIndexes}`] : []), ...template(`${path}.template`, spec?.template, object, old)];
}

const betaClass = 'volume.beta.kubernetes.io/storage-class';
const betaOptions = 'volume.beta.kubernetes.io/mount-options';
const useClass = 'deprecated since v1.8; use "storageClassName" attribute instead';

const annotated = (object: KubernetesObject, key: string, why: string): string[] =>
  object.metadata.annotations?.[key] === undefined ? [] : [`metadata.annotations[${key}]: ${why}`];

/** Kinds of volumes that nothing mounts any more. */
const volumeSources: Readonly<Record<string, string>> = {
  cephfs: 'cephfs: deprecated in v1.28, non-functional in v1.31+',
  photonPersistentDisk: 'photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'scaleIO: deprecated in v1.16, non-functional in v1.22+',
  storageos: 'storageOS: deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'glusterfs: deprecated in v1.25, non-functional in v1.26+',
  rbd: 'rbd: deprecated in v1.28, non-functional in v1.31+',
};

function service({ metadata, spec = {} }: Service): string[] {
  const { type, clusterIPs = [], externalIPs = [], externalName, loadBalancerIP } = spec;
  const headless = type === 'ClusterIP' && spec.clusterIP === 'None';
  const hints = 'service.kubernetes.io/topology-aware-hints';
  const texts: string[] = [];
  if (metadata.annotations?.[hints] !== undefined)
    texts.push(`annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  texts.push(...clusterIPs.flatMap((ip, i) => addressWarnings(`spec.clusterIPs[${i}]`, ip)));
  if (headless && loadBalancerIP) texts.push('spec.loadBalancerIP is ignored for headless services');
  if (headless && externalIPs.length > 0) texts.push('spec.externalIPs is ignored for headless services');
  if (headless && spec.sessionAffinity && spec.sessionAffinity !== 'None')
    texts.push('spec.SessionAffinity is ignored for headless services');
  texts.push(...externalIPs.flatMap((ip, i) => addressWarnings(`spec.externalIPs[${i}]`, ip)));
  if (externalIPs.length > 0 && !headless && type !== 'ExternalName')
    texts.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  if (loadBalancerIP) texts.push(...addressWarnings('spec.loadBalancerIP', loadBalancerIP));
  const ranges = spec.loadBalancerSourceRanges ?? [];
  texts.push(...ranges.flatMap((range, i) => networkWarnings(`spec.loadBalancerSourceRanges[${i}]`, range)));
  if (type === 'ExternalName' && externalIPs.length > 0)
    texts.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (type !== 'ExternalName' && externalName)
    texts.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === 'PreferClose')
    texts.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return texts;
}

function secret({ type, data }: Secret): string[] {
  if (type !== 'kubernetes.io/tls') return [];
  const text = (name: string): string => Buffer.from(data?.[name] ?? '', 'base64').toString();
  try {
    const certificate = new X509Certificate(text('tls.crt'));
    const key = createPrivateKey(text('tls.key'));
    return certificate.checkPrivateKey(key) ? [] : ['tls: private key does not match public key'];
  } catch {
    const missing = text('tls.crt').includes('-----BEGIN') ? 'key' : 'certificate';
    return [`tls: failed to find any PEM data in ${missing} input`];
  }
}

function policyPeers({ spec }: NetworkPolicy): string[] {
  const peer = (path: string, { ipBlock }: NetworkPolicyPeer): string[] =>
    ipBlock
      ? [
          ...networkWarnings(`${path}.ipBlock.cidr`, ipBlock.cidr),
          ...(ipBlock.except ?? []).flatMap((text, k) => networkWarnings(`${path}.ipBlock.except[${k}]`, text)),
        ]
      : [];
  return [
    ...(spec?.ingress ?? []).flatMap(({ from = [] }, i) =>
      from.flatMap((one, j) => peer(`spec.ingress[${i}].from[${j}]`, one)),
    ),
    ...(spec?.egress ?? []).flatMap(({ to = [] }, i) =>
      to.flatMap((one, j) => peer(`spec.egress[${i}].to[${j}]`, one)),
    ),
  ];
}

const kinds: Readonly<Record<string, Warn>> = {
  // Pods are changed often, and seldom by people.
  '/Pod': (pod: KubernetesObject & PodLike, old) =>
    old ? [] : [...hostName(pod, "the Pod's hostname", old), ...podWarnings(pod, '')],
  '/PodTemplate': (object: KubernetesObject & { template?: PodTemplateSpec }, old) =>
    template('template', object.template, object, old),
  // Of a changed one, upstream looks at the template that it had.
  '/ReplicationController': (object: Deployment, old: Deployment | undefined) =>
    old ? template('spec.template', old.spec?.template, object, old) : namedAfter(object as never, old),
  '/Node': (node: Node) => [
    ...(node.spec?.configSource ? ['spec.configSource: the feature is removed'] : []),
    ...(node.spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
    ...(node.spec?.podCIDRs ?? []).flatMap((cidr, i) => networkWarnings(`spec.podCIDRs[${i}]`, cidr)),
  ],
  '/Service': service,
  '/Secret': secret,
  '/ServiceAccount': (account: ServiceAccount, old) => {
    const key = 'kubernetes.io/enforce-mountable-secrets';
    const why = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets';
    return old?.metadata.annotations?.[key] === undefined ? annotated(account, key, why) : [];
  },
  '/Endpoints': ({ metadata, subsets = [] }: Endpoints) => {
    if (metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return [];
    return subsets.flatMap((subset, i) =>
      (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
        (subset[list] ?? []).flatMap(({ ip }, j) => addressWarnings(`subsets[${i}].${list}[${j}].ip`, ip)),
      ),
    );
  },
  '/PersistentVolume': (volume: PersistentVolume) => [
    ...annotated(volume, betaClass, useClass),
    ...annotated(volume, betaOptions, 'deprecated since v1.31; use "mountOptions" attribute instead'),
    ...(volume.spec?.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : []),
    ...(volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      termWarnings(`spec.nodeAffinity.required.nodeSelectorTerms[${i}]`, term, false),
    ),
    ...Object.entries(volumeSources).flatMap(([kind, text]) => (volume.spec?.[kind as 'rbd'] ? [`spec.${text}`] : [])),
  ],
  '/PersistentVolumeClaim': (claim: PersistentVolumeClaim) => [
    ...annotated(claim, betaClass, useClass),
    ...claimSpecWarnings('spec', claim.spec),
  ],
  'apps/DaemonSet': (object: Deployment, old: Deployment | undefined) =>
    old && sameValue(object.spec?.template, old.spec?.template)
      ? []
      : template('spec.template', object.spec?.template, object, old),
  'apps/Deployment': namedAfter,
  'apps/ReplicaSet': namedAfter,
  'apps/StatefulSet': (object: StatefulSet, old) => [
    ...template('spec.template', object.spec?.template, object, old),
    ...(object.spec?.volumeClaimTemplates ?? []).flatMap(({ spec }, i) =>
      claimSpecWarnings(`spec.volumeClaimTemplates[${i}]${old ? '.Spec' : ''}`, spec),
    ),
    ...((object.spec?.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ],
  'batch/CronJob': (job: CronJob, old) => [
    ...hostName(job, 'Pod names and hostnames', old),
    ...jobSpec('spec.jobTemplate.spec', job.spec?.jobTemplate.spec, job, old),
    ...(old && job.spec?.schedule.includes('TZ')
      ? [
          'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
        ]
      : []),
  ],
  'batch/Job': (job: Job, old) => [
    ...hostName(job, 'Pod names and hostnames', old),
    ...jobSpec('spec', job.spec, job, old),
  ],
  '/ResourceQuota': quota,
  'discovery.k8s.io/EndpointSlice': endpointSlice,
  'networking.k8s.io/Ingress': ingress,
  'networking.k8s.io/NetworkPolicy': policyPeers,
  'node.k8s.io/RuntimeClass': ({ scheduling }: RuntimeClass) =>
    keyWarnings('scheduling.nodeSelector', scheduling?.nodeSelector, false),
  'resource.k8s.io/ResourceSlice': deviceSlice,
  'storage.k8s.io/CSIDriver': storageDriver,
  'storage.k8s.io/StorageClass': ({ allowedTopologies = [] }: StorageClass) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, j) => {
        const why = labelWarning(key);
        return why ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${why}`] : [];
      }),
    ),
  'storage.k8s.io/CSIStorageCapacity': ({ nodeTopology }: CSIStorageCapacity) =>
    selectorWarnings('nodeTopology', nodeTopology),
};

/** Texts for `Warning` headers about deprecated or useless fields of a created or changed object. */
export function deprecationWarnings(gvk: GroupVersionKind, object: KubernetesObject, old?: KubernetesObject): string[] {
  if (gvk.group === 'admissionregistration.k8s.io') return admissionObject(object);
  return kinds[`${gvk.group}/${gvk.kind}`]?.(object as never, old) ?? [];
}
