import type {
  Container,
  ImageVolumeSource,
  LimitRangeItem,
  Namespace,
  NodeSpec,
  NodeStatus,
  PersistentVolume,
  Pod,
  PodSpec,
  PodStatus,
  ReplicationController,
  Service,
  Volume,
} from '../gen/core-v1.ts';
import { defaultPodResources, requestsFromLimits } from './pod-resources.ts';
import { absent, inPackage } from './rule.ts';

const byImage = (image: string | undefined): string => (hasLatestTag(image ?? '') ? 'Always' : 'IfNotPresent');

const imagePath =
  /^(?:[\w.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;

/** Whether an image reference means the tag `latest`: by name, or by having neither tag nor digest. */
export function hasLatestTag(image: string): boolean {
  const [name = '', digest] = image.split('@');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const path = colon < 0 ? name : name.slice(0, colon);
  if (path.length > 255 || !imagePath.test(path)) return false;
  return colon < 0 ? digest === undefined : name.slice(colon + 1) === 'latest';
}

const probe = absent({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });

function container(value: Container): void {
  value.imagePullPolicy ??= byImage(value.image);
  value.terminationMessagePath ??= '/dev/termination-log';
  value.terminationMessagePolicy ??= 'File';
}

function pod(value: Pod): void {
  const spec = value.spec;
  if (!spec) return;
  for (const c of spec.containers ?? []) requestsFromLimits(c);
  for (const c of spec.initContainers ?? []) requestsFromLimits(c);
  defaultPodResources(spec);
  spec.enableServiceLinks ??= true;
  if (!spec.hostNetwork) return;
  for (const c of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    for (const port of c.ports ?? []) port.hostPort ||= port.containerPort;
  }
}

function volume(value: Volume): void {
  if (Object.keys(value).every((key) => key === 'name')) value.emptyDir = {};
}

function imageVolume(value: ImageVolumeSource): void {
  value.pullPolicy ??= byImage(value.reference);
}

const podSpecAbsent = absent({
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
  schedulerName: 'default-scheduler',
});

/** `serviceAccount` is the older name of `serviceAccountName`, which wins. */
function podSpec(value: PodSpec): void {
  podSpecAbsent(value);
  value.serviceAccountName ||= value.serviceAccount;
  if (value.serviceAccountName) value.serviceAccount = value.serviceAccountName;
  else delete value.serviceAccountName;
}

/** `podCIDR` is the first of `podCIDRs`, and wins: older clients know it alone. */
function nodeSpec(value: NodeSpec): void {
  const [first] = value.podCIDRs ?? [];
  if (value.podCIDR && value.podCIDR !== first) value.podCIDRs = [value.podCIDR];
  else if (first !== undefined) value.podCIDR = first;
}

/** The same with `podIP` and `podIPs`. */
function podStatus(value: PodStatus): void {
  const first = value.podIPs?.[0]?.ip;
  if (value.podIP && value.podIP !== first) value.podIPs = [{ ip: value.podIP }];
  else if (first !== undefined) value.podIP = first;
}

function service(value: Service): void {
  value.spec ??= {};
  const spec = value.spec;
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } };
  }
  spec.type ??= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (!port.targetPort) port.targetPort = port.port;
  }
  const balanced = spec.type === 'LoadBalancer';
  const external = balanced || spec.type === 'NodePort';
  const reachable = external || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  if (reachable) spec.externalTrafficPolicy ??= 'Cluster';
  if (external || spec.type === 'ClusterIP') spec.internalTrafficPolicy ??= 'Cluster';
  if (!balanced) return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of value.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

function replicationController(value: ReplicationController): void {
  value.spec ??= {};
  const spec = value.spec;
  spec.replicas ??= 1;
  const labels = spec.template?.metadata?.labels;
  if (!labels) return;
  if (!spec.selector) spec.selector = { ...labels };
  if (!value.metadata.labels) value.metadata.labels = { ...labels };
}

function namespace(value: Namespace): void {
  const { name } = value.metadata;
  if (name) value.metadata.labels = { ...value.metadata.labels, 'kubernetes.io/metadata.name': name };
}

function nodeStatus(value: NodeStatus): void {
  if (!value.allocatable && value.capacity) value.allocatable = { ...value.capacity };
}

function limitRangeItem(value: LimitRangeItem): void {
  if (value.type !== 'Container') return;
  const limits = { ...value.max, ...value.default };
  const requests = { ...value.min, ...limits, ...value.defaultRequest };
  if (Object.keys(limits).length > 0) value.default = limits;
  if (Object.keys(requests).length > 0) value.defaultRequest = requests;
}

function persistentVolume({ spec }: PersistentVolume): void {
  if (!spec) return;
  spec.persistentVolumeReclaimPolicy ??= 'Retain';
  spec.volumeMode ??= 'Filesystem';
}

export const coreRules = inPackage('io.k8s.api.core.v1', {
  Container: container,
  EphemeralContainer: container,
  AzureDiskVolumeSource: absent({ readOnly: false }),
  ConfigMapVolumeSource: absent({ defaultMode: 0o644 }),
  DownwardAPIVolumeSource: absent({ defaultMode: 0o644 }),
  FileKeySelector: absent({ optional: false }),
  GRPCAction: absent({ service: '' }),
  HTTPGetAction: absent({ path: '/', scheme: 'HTTP' }),
  HostPathVolumeSource: absent({ type: '' }),
  ImageVolumeSource: imageVolume,
  LimitRangeItem: limitRangeItem,
  Namespace: namespace,
  NamespaceStatus: absent({ phase: 'Active' }),
  NodeStatus: nodeStatus,
  ObjectFieldSelector: absent({ apiVersion: 'v1' }),
  EndpointPort: absent({ protocol: 'TCP' }),
  PersistentVolume: persistentVolume,
  PersistentVolumeStatus: absent({ phase: 'Pending' }),
  PersistentVolumeClaimSpec: absent({ volumeMode: 'Filesystem' }),
  PersistentVolumeClaimStatus: absent({ phase: 'Pending' }),
  Pod: pod,
  NodeSpec: nodeSpec,
  PodStatus: podStatus,
  PodSpec: podSpec,
  Probe: probe,
  ProjectedVolumeSource: absent({ defaultMode: 0o644 }),
  ReplicationController: replicationController,
  Secret: absent({ type: 'Opaque' }),
  SecretVolumeSource: absent({ defaultMode: 0o644 }),
  Service: service,
  ServiceAccountTokenProjection: absent({ expirationSeconds: 3600 }),
  Volume: volume,
});
