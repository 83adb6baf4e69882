import { sameValue } from '../equal.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../gen/core-v1.ts';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../gen/storage-v1.ts';
import { isDns1123Subdomain, isQualifiedName } from '../names.ts';
import { compareQuantities, zeroQuantity } from '../quantity.ts';
import { validateNoBacksteps } from './paths.ts';
import type { Problems } from './problems.ts';
import { validateNodeSelector } from './scheduling.ts';
import { validateAccessModes, validateDriverName } from './volumes.ts';

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

type Source = 'hostPath' | 'local' | 'nfs' | 'csi';
const otherSources = [
  'awsElasticBlockStore',
  'azureDisk',
  'azureFile',
  'cephfs',
  'cinder',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'glusterfs',
  'iscsi',
  'photonPersistentDisk',
  'portworxVolume',
  'quobyte',
  'rbd',
  'scaleIO',
  'storageos',
  'vsphereVolume',
] as const;
/** In the order in which they are looked at. */
const sources: readonly (Source | (typeof otherSources)[number])[] = [
  'hostPath',
  ...otherSources,
  'nfs',
  'local',
  'csi',
];

function validateSource(p: Problems, spec: PersistentVolumeSpec): void {
  const found = sources.filter((name) => spec[name] !== undefined);
  const [first, ...more] = found;
  if (!first) p.required('spec', 'must specify a volume type');
  for (const name of more)
    p.forbidden(`spec.${name === 'cephfs' ? 'cephFS' : name}`, 'may not specify more than 1 volume type');
  if (first === 'hostPath' && spec.hostPath) {
    const { path, type } = spec.hostPath;
    if (!path) p.required('spec.hostPath.path');
    else {
      validateNoBacksteps(p, 'spec.hostPath.path', path);
      if (!hostPathTypes.includes(type ?? '')) p.unsupported('spec.hostPath.type', type, hostPathTypes);
    }
  } else if (first === 'local' && spec.local) {
    if (!spec.local.path) p.required('spec.local.path');
    else validateNoBacksteps(p, 'spec.local.path', spec.local.path);
    if (!spec.nodeAffinity?.required) p.required('spec.nodeAffinity', 'Local volume requires node affinity');
  } else if (first === 'nfs' && spec.nfs) {
    if (!spec.nfs.server) p.required('spec.nfs.server');
    if (!spec.nfs.path) p.required('spec.nfs.path');
  } else if (first === 'csi' && spec.csi) {
    validateDriverName(p, 'spec.csi.driver', spec.csi.driver);
    if (!spec.csi.volumeHandle) p.required('spec.csi.volumeHandle');
  }
}

export function validatePersistentVolume(p: Problems, { spec = {} }: PersistentVolume, old?: PersistentVolume): void {
  if (!spec.accessModes?.length) p.required('spec.accessModes');
  validateAccessModes(p, 'spec.accessModes', spec.accessModes ?? []);
  const capacity = spec.capacity;
  const names = Object.keys(capacity ?? {});
  if (!capacity) p.required('spec.capacity');
  if (names.length !== 1 || names[0] !== 'storage') p.unsupported('spec.capacity', capacity ?? null, ['storage']);
  const size = capacity?.storage;
  if (size !== undefined && compareQuantities(size, zeroQuantity) <= 0) {
    p.invalid('spec.capacity[storage]', size, 'must be greater than zero');
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
  if (!old) return;
  for (const source of sources) {
    if (!sameValue(spec[source], old.spec?.[source])) {
      p.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation\n');
      break;
    }
  }
  p.immutable('spec.volumeMode', spec.volumeMode, spec.volumeMode === old.spec?.volumeMode);
}

export function validateAttachment(p: Problems, { spec }: VolumeAttachment, old?: VolumeAttachment): void {
  if (old) {
    p.immutable('spec', spec, sameValue(spec, old.spec));
    return;
  }
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
}

export function validateDriver(p: Problems, { spec, metadata }: CSIDriver): void {
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  if ((metadata.name?.length ?? 0) > 63) p.tooLong('metadata.name', 63);
  const policy = spec.fsGroupPolicy;
  if (policy !== undefined && !policies.includes(policy)) p.unsupported('spec.fsGroupPolicy', policy, policies);
  for (const [i, mode] of (spec.volumeLifecycleModes ?? []).entries()) {
    const modes = ['Ephemeral', 'Persistent'];
    if (!modes.includes(mode)) p.unsupported(`spec.volumeLifecycleModes[${i}]`, mode, modes);
  }
  const seconds = spec.nodeAllocatableUpdatePeriodSeconds;
  if (seconds !== undefined && seconds < 10) {
    p.invalid('spec.nodeAllocatableUpdatePeriodSeconds', seconds, 'must be greater than or equal to 10 seconds');
  }
}

export function validateDriverNode(p: Problems, { spec }: CSINode): void {
  const names = new Set<string>();
  for (const [i, driver] of (spec.drivers ?? []).entries()) {
    const at = `spec.drivers[${i}]`;
    validateDriverName(p, `${at}.name`, driver.name ?? '');
    if (!driver.nodeID) p.required(`${at}.nodeID`);
    else if (driver.nodeID.length > 256) p.invalid(`${at}.nodeID`, driver.nodeID, 'must be 256 characters or less');
    for (const key of driver.topologyKeys ?? []) {
      if (key === '') p.required(`${at}.topologyKeys`);
      else p.all(`${at}.topologyKeys`, key, isQualifiedName(key));
    }
    const count = driver.allocatable?.count;
    if (count !== undefined && count < 0) {
      p.invalid(`${at}.allocatable.count`, count, 'must be greater than or equal to 0');
    }
    if (names.has(driver.name)) p.duplicate(`${at}.name`, driver.name);
    names.add(driver.name);
  }
}

export function validateStorageCapacity(p: Problems, { storageClassName: name = '' }: CSIStorageCapacity): void {
  p.all('storageClassName', name, isDns1123Subdomain(name));
}

export function validateAttributesClass(p: Problems, object: VolumeAttributesClass, old?: VolumeAttributesClass): void {
  if (!object.driverName) p.required('driverName');
  else p.all('driverName', object.driverName.toLowerCase(), isQualifiedName(object.driverName.toLowerCase()));
  if (Object.keys(object.parameters ?? {}).length === 0) {
    p.required('parameters', 'must contain at least one key/value pair');
  }
  if (!old) return;
  if (object.driverName !== old.driverName) p.forbidden('driverName', 'updates to driverName are forbidden.');
  if (!sameValue(object.parameters, old.parameters)) p.forbidden('parameters', 'updates to parameters are forbidden.');
}
