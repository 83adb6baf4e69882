import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
} from '../gen/admissionregistration-v1.ts';
import type { APIService } from '../gen/apiregistration-v1.ts';
import type { CertificateSigningRequest } from '../gen/certificates-v1.ts';
import type { Lease } from '../gen/coordination-v1.ts';
import type { EndpointSlice } from '../gen/discovery-v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../gen/flowcontrol-v1.ts';
import type { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from '../gen/networking-v1.ts';
import type { RuntimeClass } from '../gen/node-v1.ts';
import type { ClusterRoleBinding } from '../gen/rbac-v1.ts';
import type { ResourceClaim, ResourceSlice } from '../gen/resource-v1.ts';
import type { PriorityClass } from '../gen/scheduling-v1.ts';
import type { CSIDriver, CSINode, StorageClass, VolumeAttachment, VolumeAttributesClass } from '../gen/storage-v1.ts';
import type { KubernetesObject } from '../object.ts';
import { age, type Clock, humanDuration, limited, nameOf, none, type Printer, selectorText, unset } from './text.ts';

function apiService(object: APIService, clock: Clock): unknown[] {
  const { service } = object.spec ?? {};
  const available = object.status?.conditions?.find((c) => c.type === 'Available');
  const reason = available && available.status !== 'True' && available.reason ? ` (${available.reason})` : '';
  return [
    nameOf(object),
    service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local',
    available ? `${available.status}${reason}` : 'Unknown',
    age(object, clock),
  ];
}

function signingRequest(object: CertificateSigningRequest, clock: Clock): unknown[] {
  const { spec, status } = object;
  const has = (type: string): boolean => status?.conditions?.some((c) => c.type === type) ?? false;
  const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return [
    nameOf(object),
    age(object, clock),
    spec.signerName || none,
    spec.username ?? '',
    spec.expirationSeconds === undefined ? none : humanDuration(spec.expirationSeconds * 1000),
    `${verdict}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`,
  ];
}

function ingress(object: Ingress, clock: Clock): unknown[] {
  const { spec, status } = object;
  const rules = spec?.rules ?? [];
  const hosts = rules
    .slice(0, 3)
    .map((r) => r.host ?? '')
    .filter((h) => h !== '');
  const more = rules.length > 3 && hosts.length === 3 ? ` + ${rules.length - 3} more...` : '';
  const addresses = (status?.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || '').filter((t) => t !== '');
  return [
    nameOf(object),
    spec?.ingressClassName ?? none,
    hosts.length === 0 ? '*' : `${hosts.join(',')}${more}`,
    [...new Set(addresses)].sort().join(','),
    spec?.tls?.length ? '80, 443' : '80',
    age(object, clock),
  ];
}

function ingressClass(object: IngressClass, clock: Clock): unknown[] {
  const isDefault = object.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
  const p = object.spec?.parameters;
  const group = p?.apiGroup === undefined ? '' : `.${p.apiGroup}`;
  return [
    isDefault ? `${nameOf(object)} (default)` : nameOf(object),
    object.spec?.controller ?? '',
    p ? `${p.kind}${group}/${p.name}` : none,
    age(object, clock),
  ];
}

/** The age stands in a row without a column, as upstream has it. */
function ipAddress(object: IPAddress, clock: Clock): unknown[] {
  const ref = object.spec?.parentRef;
  const resource = ref?.group ? `${ref.resource}.${ref.group}` : (ref?.resource ?? '');
  const namespace = ref?.namespace ? `/${ref.namespace}` : '';
  return [nameOf(object), ref ? `${resource.toLowerCase()}${namespace}/${ref.name ?? ''}` : none, age(object, clock)];
}

function endpointSlice(object: EndpointSlice, clock: Clock): unknown[] {
  const ports = (object.ports ?? []).map((p) => String(p.port ?? p.name ?? '*'));
  const addresses = (object.endpoints ?? []).flatMap((e) => e.addresses ?? []);
  return [
    nameOf(object),
    object.addressType ?? '',
    limited(ports, 3, unset),
    limited(addresses, 3, unset),
    age(object, clock),
  ];
}

function roleBinding(object: ClusterRoleBinding, clock: Clock): unknown[] {
  const subjects = (kind: string): string =>
    (object.subjects ?? [])
      .filter((s) => s.kind === kind)
      .map((s) => (kind === 'ServiceAccount' && s.namespace ? `${s.namespace}/${s.name}` : s.name))
      .join(', ');
  const role = `${object.roleRef.kind}/${object.roleRef.name}`;
  return [nameOf(object), role, age(object, clock), subjects('User'), subjects('Group'), subjects('ServiceAccount')];
}

function storageClass(object: StorageClass, clock: Clock): unknown[] {
  const annotations = object.metadata.annotations ?? {};
  const isDefault = [
    'storageclass.kubernetes.io/is-default-class',
    'storageclass.beta.kubernetes.io/is-default-class',
  ].some((key) => annotations[key] === 'true');
  return [
    isDefault ? `${nameOf(object)} (default)` : nameOf(object),
    object.provisioner,
    object.reclaimPolicy ?? 'Delete',
    object.volumeBindingMode ?? 'Immediate',
    object.allowVolumeExpansion ?? false,
    age(object, clock),
  ];
}

function csiDriver(object: CSIDriver, clock: Clock): unknown[] {
  const { spec } = object;
  return [
    nameOf(object),
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    spec.tokenRequests ? spec.tokenRequests.map((t) => t.audience).join(',') : unset,
    spec.requiresRepublish ?? false,
    spec.volumeLifecycleModes?.join(',') || none,
    age(object, clock),
  ];
}

function volumeAttachment(object: VolumeAttachment, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec.attacher,
    spec.source.persistentVolumeName ?? '',
    spec.nodeName,
    status?.attached ?? false,
    age(object, clock),
  ];
}

interface PolicySpec {
  paramKind?: { apiVersion?: string | undefined; kind?: string | undefined } | undefined;
}
const paramKind = ({ paramKind: p }: PolicySpec = {}): string => (p ? `${p.apiVersion ?? ''}/${p.kind ?? ''}` : unset);

function policyBinding(object: MutatingAdmissionPolicyBinding, clock: Clock): unknown[] {
  const ref = object.spec?.paramRef;
  const name = ref?.name ? `${ref.namespace || '*'}/${ref.name}` : ref?.selector ? selectorText(ref.selector) : unset;
  return [nameOf(object), object.spec?.policyName ?? '', name, age(object, clock)];
}

function flowSchema(object: FlowSchema, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.priorityLevelConfiguration.name ?? '',
    spec?.matchingPrecedence ?? 0,
    spec?.distinguisherMethod?.type ?? none,
    age(object, clock),
    status?.conditions?.find((c) => c.type === 'Dangling')?.status ?? '?',
  ];
}

function priorityLevel(object: PriorityLevelConfiguration, clock: Clock): unknown[] {
  const limitedTo = object.spec?.limited;
  const queuing = limitedTo?.limitResponse?.queuing;
  return [
    nameOf(object),
    object.spec?.type ?? '',
    limitedTo ? (limitedTo.nominalConcurrencyShares ?? 0) : none,
    queuing ? (queuing.queues ?? 0) : none,
    queuing ? (queuing.handSize ?? 0) : none,
    queuing ? (queuing.queueLengthLimit ?? 0) : none,
    age(object, clock),
  ];
}

function resourceClaim(object: ResourceClaim, clock: Clock): unknown[] {
  const deleted = Boolean(object.metadata.deletionTimestamp);
  const states = deleted ? ['deleted'] : [];
  if (object.status?.allocation) states.push('allocated', ...(object.status.reservedFor?.length ? ['reserved'] : []));
  else if (!deleted) states.push('pending');
  return [nameOf(object), states.join(','), age(object, clock)];
}

const nameAndAge = (o: KubernetesObject, clock: Clock): unknown[] => [nameOf(o), age(o, clock)];
const webhooks = (o: MutatingWebhookConfiguration, clock: Clock): unknown[] => [
  nameOf(o),
  o.webhooks?.length ?? 0,
  age(o, clock),
];

export const clusterPrinters: Readonly<Record<string, Printer>> = {
  'apiregistration.k8s.io/apiservices': apiService,
  'certificates.k8s.io/certificatesigningrequests': signingRequest,
  'networking.k8s.io/ingresses': ingress,
  'networking.k8s.io/ingressclasses': ingressClass,
  'networking.k8s.io/ipaddresses': ipAddress,
  'networking.k8s.io/networkpolicies': (o: NetworkPolicy, clock: Clock) => [
    nameOf(o),
    selectorText(o.spec?.podSelector ?? {}),
    age(o, clock),
  ],
  'networking.k8s.io/servicecidrs': (o: ServiceCIDR, clock: Clock) => [
    nameOf(o),
    o.spec?.cidrs?.join(',') ?? '',
    age(o, clock),
  ],
  'discovery.k8s.io/endpointslices': endpointSlice,
  'rbac.authorization.k8s.io/clusterrolebindings': roleBinding,
  'rbac.authorization.k8s.io/rolebindings': roleBinding,
  'storage.k8s.io/csidrivers': csiDriver,
  'storage.k8s.io/csinodes': (o: CSINode, clock: Clock) => [nameOf(o), o.spec.drivers?.length ?? 0, age(o, clock)],
  'storage.k8s.io/storageclasses': storageClass,
  'storage.k8s.io/volumeattachments': volumeAttachment,
  'storage.k8s.io/volumeattributesclasses': (o: VolumeAttributesClass, clock: Clock) => [
    nameOf(o),
    o.driverName,
    age(o, clock),
  ],
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhooks,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': webhooks,
  'admissionregistration.k8s.io/validatingadmissionpolicies': (o: ValidatingAdmissionPolicy, clock: Clock) => [
    nameOf(o),
    o.spec?.validations?.length ?? 0,
    paramKind(o.spec),
    age(o, clock),
  ],
  'admissionregistration.k8s.io/mutatingadmissionpolicies': (o: MutatingAdmissionPolicy, clock: Clock) => [
    nameOf(o),
    o.spec?.mutations?.length ?? 0,
    paramKind(o.spec),
    age(o, clock),
  ],
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': policyBinding,
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': policyBinding,
  'scheduling.k8s.io/priorityclasses': (o: PriorityClass, clock: Clock) => [
    nameOf(o),
    o.value,
    o.globalDefault ?? false,
    age(o, clock),
    o.preemptionPolicy ?? '',
  ],
  'coordination.k8s.io/leases': (o: Lease, clock: Clock) => [nameOf(o), o.spec?.holderIdentity ?? '', age(o, clock)],
  'node.k8s.io/runtimeclasses': (o: RuntimeClass, clock: Clock) => [nameOf(o), o.handler, age(o, clock)],
  'resource.k8s.io/deviceclasses': nameAndAge,
  'resource.k8s.io/resourceclaims': resourceClaim,
  'resource.k8s.io/resourceclaimtemplates': nameAndAge,
  'resource.k8s.io/resourceslices': (o: ResourceSlice, clock: Clock) => [
    nameOf(o),
    o.spec.nodeName ?? '',
    o.spec.driver,
    o.spec.pool.name,
    age(o, clock),
  ],
  'flowcontrol.apiserver.k8s.io/flowschemas': flowSchema,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': priorityLevel,
};
