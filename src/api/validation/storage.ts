import { posix } from 'node:path';
import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../gen/core-v1.ts';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  TokenRequest,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../gen/storage-v1.ts';
import { inRange, isDns1123Subdomain, isQualifiedName } from '../names.ts';
import { compareQuantities, zeroQuantity } from '../quantity.ts';
import { validateAmount } from './claims.ts';
import { validateSelector } from './metadata.ts';
import { validateNoBacksteps } from './paths.ts';
import type { Problems } from './problems.ts';
import { validateNonNegativeQuantity } from './resources.ts';
import { validateNodeSelector } from './scheduling.ts';
import {
  azureDisk,
  azureFileVolume,
  cinder,
  fibreChannel,
  flexible,
  flocker,
  glusterVolume,
  hostPath,
  iscsi,
  nfs,
  partitioned,
  quobyte,
  requiring,
  type SourceCheck,
  storageOs,
  validateCsiSecrets,
} from './volume-sources.ts';
import { validateAccessModes, validateDriverName } from './volumes.ts';

type Sources = Pick<
  PersistentVolumeSpec,
  | 'hostPath'
  | 'gcePersistentDisk'
  | 'awsElasticBlockStore'
  | 'glusterfs'
  | 'flocker'
  | 'nfs'
  | 'rbd'
  | 'quobyte'
  | 'cephfs'
  | 'iscsi'
  | 'cinder'
  | 'fc'
  | 'flexVolume'
  | 'azureFile'
  | 'vsphereVolume'
  | 'photonPersistentDisk'
  | 'portworxVolume'
  | 'azureDisk'
  | 'scaleIO'
  | 'local'
  | 'storageos'
  | 'csi'
>;

/** In the order in which they are looked at. */
const sources: { readonly [K in keyof Sources]-?: SourceCheck<NonNullable<Sources[K]>> } = {
  hostPath,
  gcePersistentDisk: partitioned('pdName'),
  awsElasticBlockStore: partitioned('volumeID'),
  glusterfs: glusterVolume,
  flocker,
  nfs,
  rbd: requiring('monitors', 'image'),
  quobyte,
  cephfs: requiring('monitors'),
  iscsi: iscsi('must be valid format', true),
  cinder: cinder(true),
  fc: fibreChannel,
  flexVolume: flexible,
  azureFile: azureFileVolume,
  vsphereVolume: requiring('volumePath'),
  photonPersistentDisk: requiring('pdID'),
  portworxVolume: requiring('volumeID'),
  azureDisk,
  scaleIO: requiring('gateway', 'system', 'volumeName'),
  local: (p, path, source) => {
    if (!source.path) p.required(`${path}.path`);
    else validateNoBacksteps(p, `${path}.path`, source.path);
  },
  storageos: storageOs(true),
  csi: (p, path, source) => {
    validateDriverName(p, `${path}.driver`, source.driver ?? '');
    if (!source.volumeHandle) p.required(`${path}.volumeHandle`);
    validateCsiSecrets(p, path, source);
  },
};
const sourceNames = Object.keys(sources) as (keyof Sources)[];

function validateSource(p: Problems, spec: PersistentVolumeSpec): void {
  let found = false;
  for (const name of sourceNames) {
    const source = spec[name];
    if (source === undefined) continue;
    // A flexible volume is looked at whatever else there is.
    if (found && name !== 'flexVolume') {
      p.forbidden(`spec.${name === 'cephfs' ? 'cephFS' : name}`, 'may not specify more than 1 volume type');
      continue;
    }
    found = true;
    (sources[name] as SourceCheck<object>)(p, `spec.${name === 'gcePersistentDisk' ? 'persistentDisk' : name}`, source);
    if (name === 'local' && !spec.nodeAffinity?.required) {
      p.required('spec.nodeAffinity', 'Local volume requires node affinity');
    }
  }
  if (!found) p.required('spec', 'must specify a volume type');
  const whole = posix.normalize(spec.hostPath?.path ?? '') === '/';
  if (whole && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    p.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'");
  }
}

const sortedKeys = (given: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Labels of nodes that have newer names; a volume may be told of the new ones. */
const newerLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** Whether one place is as it was, but for labels by newer names. */
function isSamePlace(now: unknown, was: unknown): boolean {
  if (typeof now !== 'object' || typeof was !== 'object' || !now || !was) return sameValue(now, was);
  const [a, b] = [now, was] as Record<string, unknown>[];
  const keys = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
  return [...keys].every((key) => {
    const [left, right] = [a?.[key], b?.[key]];
    return (key === 'key' && left === newerLabels[right as string]) || isSamePlace(left, right);
  });
}

/** A secret to expand with may be added, once. */
function withoutNew({ csi }: PersistentVolumeSpec, old: PersistentVolume): PersistentVolumeSpec['csi'] {
  if (!csi || !old.spec?.csi || old.spec.csi.controllerExpandSecretRef) return csi;
  const { controllerExpandSecretRef: _, ...rest } = csi;
  return rest;
}

export function validatePersistentVolume(p: Problems, { spec = {} }: PersistentVolume): void {
  if (!spec.accessModes?.length) p.required('spec.accessModes');
  validateAccessModes(p, 'spec.accessModes', spec.accessModes ?? []);
  const capacity = spec.capacity;
  const names = Object.keys(capacity ?? {});
  if (!capacity) p.required('spec.capacity');
  if (names.length !== 1 || names[0] !== 'storage')
    p.unsupported('spec.capacity', capacity ? sortedKeys(capacity) : wasEmpty(spec, 'capacity') ? {} : null, [
      'storage',
    ]);
  for (const [name, amount] of Object.entries(capacity ?? {})) {
    const at = `spec.capacity[${name}]`;
    validateAmount(p, at, amount);
    if (compareQuantities(amount, zeroQuantity) <= 0) p.invalid(at, amount, 'must be greater than zero');
  }
  const policies = ['Delete', 'Recycle', 'Retain'];
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && !policies.includes(policy)) p.unsupported('spec.persistentVolumeReclaimPolicy', policy, policies);
  if (spec.nodeAffinity) {
    if (!spec.nodeAffinity.required) {
      p.required('spec.nodeAffinity.required', 'must specify required node constraints');
    } else validateNodeSelector(p, 'spec.nodeAffinity.required', spec.nodeAffinity.required);
  }
  validateSource(p, spec);
  const name = spec.storageClassName;
  if (name) p.all('spec.storageClassName', name, isDns1123Subdomain(name));
  const modes = ['Block', 'Filesystem'];
  if (spec.volumeMode !== undefined && !modes.includes(spec.volumeMode)) {
    p.unsupported('spec.volumeMode', spec.volumeMode, modes);
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes !== undefined) {
    if (attributes === '') p.required('spec.volumeAttributesClassName', 'an empty string is disallowed');
    else p.all('spec.volumeAttributesClassName', attributes, isDns1123Subdomain(attributes));
    if (!spec.csi) p.required('spec.csi', 'has to be specified when using volumeAttributesClassName');
  }
}

/** Upstream looks at a changed volume twice as at a new one. */
export function validateVolumeUpdate(p: Problems, volume: PersistentVolume, old: PersistentVolume): void {
  validatePersistentVolume(p, volume);
  validatePersistentVolume(p, volume);
  const { spec = {} } = volume;
  const isAllowed = (source: keyof Sources): boolean =>
    source === 'csi' && sameValue(withoutNew(spec, old), old.spec?.csi);
  for (const source of sourceNames) {
    if (!sameValue(spec[source], old.spec?.[source]) && !isAllowed(source)) {
      p.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation\n');
      break;
    }
  }
  p.immutable('volumeMode', spec.volumeMode, spec.volumeMode === old.spec?.volumeMode);
  const was = old.spec?.nodeAffinity;
  if (was && !isSamePlace(spec.nodeAffinity, was)) {
    p.invalid(
      'nodeAffinity',
      spec.nodeAffinity ?? null,
      'field is immutable, except for updating from beta label to GA',
    );
  }
  if (old.spec?.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    p.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
  }
}

export function validateAttachment(p: Problems, { spec }: VolumeAttachment, old?: VolumeAttachment): void {
  validateDriverName(p, 'spec.attacher', spec.attacher ?? '');
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = spec.source ?? {};
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (name === undefined && !inline) p.required('spec.source', one);
  else if (name !== undefined && inline) p.forbidden('spec.source', one);
  else if (name === '') {
    p.required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName');
  }
  p.all('spec.nodeName', spec.nodeName ?? '', isDns1123Subdomain(spec.nodeName ?? ''));
  if (name !== undefined && !inline) p.all('spec.source.persistentVolumeName', name, isDns1123Subdomain(name));
  if (old) p.immutable('spec', spec, sameValue(spec, old.spec));
}

export function validateDriver(p: Problems, { spec, metadata }: CSIDriver, old?: CSIDriver): void {
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  const length = metadata.name?.length ?? 0;
  if (length > 63 && length <= 253 && !old) p.tooLong('metadata.name', 63);
  const policy = spec.fsGroupPolicy;
  if (policy !== undefined && !policies.includes(policy)) p.unsupported('spec.fsGroupPolicy', policy, policies);
  const modes = ['Persistent', 'Ephemeral'];
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) p.unsupported('spec.volumeLifecycleModes', mode, modes);
  }
  validateTokens(p, spec.tokenRequests ?? []);
  const inSecrets = spec.serviceAccountTokenInSecrets;
  if (inSecrets !== undefined && !spec.tokenRequests?.length) {
    const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    p.invalid('spec.serviceAccountTokenInSecrets', inSecrets, why);
  }
  const seconds = spec.nodeAllocatableUpdatePeriodSeconds;
  if (seconds !== undefined && seconds < 10) {
    p.invalid('spec.nodeAllocatableUpdatePeriodSeconds', seconds, 'must be greater than or equal to 10 seconds');
  }
  if (!old) return;
  const { attachRequired: attached, volumeLifecycleModes: ways } = spec;
  p.immutable('spec.attachedRequired', attached, attached === old.spec.attachRequired);
  p.immutable('spec.volumeLifecycleModes', ways, sameValue(ways, old.spec.volumeLifecycleModes));
}

function validateTokens(p: Problems, requests: readonly TokenRequest[]): void {
  const audiences = new Set<string>();
  for (const [i, { audience = '', expirationSeconds: seconds = 600 }] of requests.entries()) {
    const at = `spec.tokenRequests[${i}]`;
    if (audiences.has(audience)) p.duplicate(`${at}.audience`, audience);
    else if (seconds < 600) {
      p.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes');
    } else if (seconds > 2 ** 32) {
      p.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds');
    }
    audiences.add(audience);
  }
}

export function validateDriverNode(p: Problems, { spec }: CSINode, old?: CSINode): void {
  const names = new Set<string>();
  for (const [i, driver] of (spec.drivers ?? []).entries()) {
    const at = `spec.drivers[${i}]`;
    validateDriverName(p, `${at}.name`, driver.name ?? '');
    if (!driver.nodeID) p.required(`${at}.nodeID`);
    else if (driver.nodeID.length > 256) p.invalid(`${at}.nodeID`, driver.nodeID, 'must be 256 characters or less');
    const count = driver.allocatable?.count;
    if (count !== undefined && count < 0) {
      p.invalid(`${at}.allocatable.count`, count, 'must be greater than or equal to 0');
    }
    if (names.has(driver.name)) p.duplicate(`${at}.name`, driver.name);
    names.add(driver.name);
    const keys = driver.topologyKeys ?? [];
    for (const [j, key] of keys.entries()) {
      if (key === '') p.required(at);
      if (keys.indexOf(key) < j) p.duplicate(at, key);
      p.all(at, key, isQualifiedName(key));
    }
  }
  for (const { allocatable: _, ...was } of old?.spec.drivers ?? []) {
    for (const { allocatable: __, ...now } of spec.drivers ?? []) {
      const shown = { Name: now.name, NodeID: now.nodeID, TopologyKeys: now.topologyKeys ?? null, Allocatable: null };
      if (now.name === was.name) p.immutable('spec.drivers', shown, sameValue(now, was));
    }
  }
}

export function validateStorageCapacity(p: Problems, capacity: CSIStorageCapacity, old?: CSIStorageCapacity): void {
  validateSelector(p, capacity.nodeTopology, 'nodeTopology');
  const name = capacity.storageClassName ?? '';
  p.all('storageClassName', name, isDns1123Subdomain(name));
  if (capacity.capacity !== undefined) validateNonNegativeQuantity(p, 'capacity', capacity.capacity);
  if (!old) return;
  p.immutable('nodeTopology', capacity.nodeTopology, sameValue(capacity.nodeTopology, old.nodeTopology));
  p.immutable('storageClassName', name, name === old.storageClassName);
}

const mostParameters = 512;
const largestParameters = 256 * 1024;

/** What is handed to a driver as it is. */
export function validateClassParameters(p: Problems, parameters: Readonly<Record<string, string>> = {}): void {
  const entries = Object.entries(parameters);
  if (entries.length > mostParameters) {
    p.tooLong('parameters', mostParameters);
    return;
  }
  if (Object.hasOwn(parameters, '')) p.invalid('parameters', '', 'field can not be empty.');
  const size = entries.flat().reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size > largestParameters) p.tooLong('parameters', largestParameters);
}

export function validateAttributesClass(p: Problems, object: VolumeAttributesClass, old?: VolumeAttributesClass): void {
  if (!object.driverName) p.required('driverName');
  else p.all('driverName', object.driverName.toLowerCase(), isQualifiedName(object.driverName.toLowerCase()));
  validateClassParameters(p, object.parameters);
  if (Object.keys(object.parameters ?? {}).length === 0) {
    p.required('parameters', 'must contain at least one key/value pair');
  }
  if (!old) return;
  if (object.driverName !== old.driverName) p.forbidden('driverName', 'updates to driverName are forbidden.');
  if (!sameValue(object.parameters, old.parameters)) p.forbidden('parameters', 'updates to parameters are forbidden.');
}

const metadataLimit = 256 * 1024;
const errorLimit = 1024;

export function validateAttachmentStatus(p: Problems, { status }: VolumeAttachment): void {
  const size = Object.entries(status?.attachmentMetadata ?? {})
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size > metadataLimit) p.tooLong('status.attachmentMetadata', metadataLimit);
  for (const name of ['attachError', 'detachError'] as const) {
    const { message = '', errorCode = 0 } = status?.[name] ?? {};
    // Upstream names the wrong limit here.
    if (Buffer.byteLength(message) > errorLimit) p.tooLong(`status.${name}.message`, metadataLimit);
    if (errorCode < 0) p.invalid(`status.${name}.errorCode`, errorCode, inRange(0, 2 ** 31 - 1));
  }
}
