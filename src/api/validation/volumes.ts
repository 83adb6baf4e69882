import { sameValue } from '../equal.ts';
import type {
  CinderVolumeSource,
  DownwardAPIVolumeFile,
  FlexVolumeSource,
  ISCSIVolumeSource,
  KeyToPath,
  PersistentVolumeClaimSpec,
  ProjectedVolumeSource,
  StorageOSVolumeSource,
  Volume,
  VolumeProjection,
} from '../gen/core-v1.ts';
import type { ObjectMeta } from '../gen/meta-v1.ts';
import { isDns1123Label, isDns1123Subdomain } from '../names.ts';
import { compareQuantities, zeroQuantity } from '../quantity.ts';
import { validateFieldRef, validateResourceFieldRef } from './environment.ts';
import { validateSelector, validateTemplateMetadata } from './metadata.ts';
import { validateDescendingPath, validateFileMode, validateLocalPath } from './paths.ts';
import { Problems } from './problems.ts';
import { validateResourceQuantity } from './resources.ts';
import {
  azureDisk,
  cinder,
  fibreChannel,
  flexible,
  flocker,
  hostPath,
  iscsi,
  nfs,
  partitioned,
  quobyte,
  requiring,
  type SourceCheck,
  storageOs,
} from './volume-sources.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

type Sources = Omit<Volume, 'name'>;

function keyToPath(p: Problems, path: string, item: KeyToPath): void {
  if (!item.key) p.required(`${path}.key`);
  if (!item.path) p.required(`${path}.path`);
  validateLocalPath(p, `${path}.path`, item.path ?? '');
  validateFileMode(p, `${path}.mode`, item.mode);
}

function keyed(name: 'name' | 'secretName'): SourceCheck<{
  name?: string | undefined;
  secretName?: string | undefined;
  defaultMode?: number | undefined;
  items?: KeyToPath[] | undefined;
}> {
  return (p, path, source) => {
    if (!source[name]) p.required(`${path}.${name}`);
    validateFileMode(p, `${path}.defaultMode`, source.defaultMode);
    for (const [i, item] of (source.items ?? []).entries()) keyToPath(p, `${path}.items[${i}]`, item);
  };
}

function downwardFile(p: Problems, path: string, file: DownwardAPIVolumeFile): void {
  if (!file.path) p.required(`${path}.path`);
  validateLocalPath(p, `${path}.path`, file.path ?? '');
  if (file.fieldRef) {
    validateFieldRef(p, `${path}.fieldRef`, file.fieldRef, 'volume');
    if (file.resourceFieldRef) {
      p.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
  } else if (file.resourceFieldRef) {
    validateResourceFieldRef(p, `${path}.resourceFieldRef`, file.resourceFieldRef, true);
  } else p.required(path, 'one of fieldRef and resourceFieldRef is required');
  validateFileMode(p, `${path}.mode`, file.mode);
}

function projected(p: Problems, path: string, source: ProjectedVolumeSource): void {
  validateFileMode(p, `${path}.defaultMode`, source.defaultMode);
  const taken = new Set<string>();
  const claim = (target: string | undefined, named: string | undefined): void => {
    if (!target) return;
    if (taken.has(target)) p.invalid(path, named ?? target, 'conflicting duplicate paths');
    taken.add(target);
  };
  for (const [i, one] of (source.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`;
    projection(p, path, at, one, claim);
    if (Object.keys(one).length > 1) p.forbidden(at, 'may not specify more than 1 volume type per source');
  }
}

function projection(
  p: Problems,
  path: string,
  at: string,
  source: VolumeProjection,
  claim: (target: string | undefined, named?: string | undefined) => void,
): void {
  for (const kind of ['secret', 'configMap'] as const) {
    const from = source[kind];
    if (!from) continue;
    if (!from.name) p.required(`${at}.${kind}.name`);
    for (const [j, item] of (from.items ?? []).entries()) {
      keyToPath(p, `${at}.${kind}.items[${j}]`, item);
      claim(item.path, from.name);
    }
  }
  for (const file of source.downwardAPI?.items ?? []) {
    downwardFile(p, `${at}.downwardAPI`, file);
    claim(file.path);
  }
  const token = source.serviceAccountToken;
  if (token) {
    const seconds = token.expirationSeconds ?? 0;
    const field = `${at}.serviceAccountToken.expirationSeconds`;
    if (seconds < 600) p.invalid(field, seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > 2 ** 32) p.invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds');
    if (!token.path) p.required(`${path}.path`);
    else validateLocalPath(p, `${path}.path`, token.path);
  }
  const bundle = source.clusterTrustBundle;
  if (bundle) {
    const field = `${at}.clusterTrustBundle`;
    if (bundle.name !== undefined && bundle.signerName !== undefined) {
      p.invalid(field, bundle, 'only one of name and signerName may be used');
    } else if (bundle.name === undefined && bundle.signerName === undefined) {
      p.required(field, 'either name or signerName must be specified');
    }
    if (!bundle.path) p.required(`${field}.path`);
    validateLocalPath(p, `${field}.path`, bundle.path ?? '');
    claim(bundle.path);
  }
}

/** In the order in which they are looked at. */
const checks: { readonly [K in keyof Sources]-?: SourceCheck<NonNullable<Sources[K]>> } = {
  emptyDir: (p, path, source) => {
    if (source.sizeLimit !== undefined && compareQuantities(source.sizeLimit, zeroQuantity) < 0) {
      p.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
    }
  },
  hostPath,
  gitRepo: (p, path, source) => {
    if (!source.repository) p.required(`${path}.repository`);
    validateDescendingPath(p, `${path}.directory`, source.directory ?? '');
  },
  gcePersistentDisk: partitioned('pdName'),
  awsElasticBlockStore: partitioned('volumeID'),
  secret: keyed('secretName'),
  nfs,
  iscsi: iscsi('must be valid format starting with iqn, eui, or naa', false) as SourceCheck<ISCSIVolumeSource>,
  glusterfs: requiring('endpoints', 'path'),
  flocker,
  persistentVolumeClaim: requiring('claimName'),
  rbd: requiring('monitors', 'image'),
  cinder: cinder(false) as SourceCheck<CinderVolumeSource>,
  cephfs: requiring('monitors'),
  quobyte,
  downwardAPI: (p, path, source) => {
    validateFileMode(p, `${path}.defaultMode`, source.defaultMode);
    for (const file of source.items ?? []) downwardFile(p, path, file);
  },
  fc: fibreChannel,
  flexVolume: flexible as SourceCheck<FlexVolumeSource>,
  configMap: keyed('name'),
  azureFile: requiring('secretName', 'shareName'),
  vsphereVolume: requiring('volumePath'),
  photonPersistentDisk: requiring('pdID'),
  portworxVolume: requiring('volumeID'),
  azureDisk,
  storageos: storageOs(false) as SourceCheck<StorageOSVolumeSource>,
  projected,
  scaleIO: requiring('gateway', 'system', 'volumeName'),
  csi: (p, path, source) => {
    validateDriverName(p, `${path}.driver`, source.driver ?? '');
    const ref = source.nodePublishSecretRef;
    if (!ref) return;
    if (!ref.name) p.required(`${path}.nodePublishSecretRef.name`);
    else p.all(`${path}.name`, ref.name, isDns1123Subdomain(ref.name));
  },
  ephemeral: (p, path, source) => {
    const template = source.volumeClaimTemplate;
    if (!template) {
      p.required(`${path}.volumeClaimTemplate`);
      return;
    }
    validateTemplateMetadata(p, `${path}.volumeClaimTemplate.metadata`, template.metadata);
    validateClaimSpec(p, `${path}.volumeClaimTemplate.spec`, template.spec);
  },
  image: (p, path, source) => {
    if (!source.reference) p.required(`${path}.reference`);
    p.oneOf(`${path}.pullPolicy`, source.pullPolicy, pullPolicies);
  },
};

/** All that the metadata of what is made for a pod may say. */

export function validateDriverName(p: Problems, path: string, name: string): void {
  if (!name) {
    p.required(path);
    return;
  }
  if (name.length > 63) p.tooLong(path, 63);
  p.all(path, name, isDns1123Subdomain(name.toLowerCase()));
}

/** Checks the volumes; gives those that are good, by name. */
export function validateVolumes(
  p: Problems,
  path: string,
  volumes: readonly Volume[],
  meta: ObjectMeta | undefined,
): Map<string, Volume> {
  const good = new Map<string, Volume>();
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`;
    const own = new Problems();
    validateSource(own, at, volume, meta);
    if (!volume.name) own.required(`${at}.name`);
    else own.all(`${at}.name`, volume.name, isDns1123Label(volume.name));
    if (good.has(volume.name)) own.duplicate(`${at}.name`, volume.name);
    if (own.causes.length === 0) good.set(volume.name, volume);
    p.causes.push(...own.causes);
  }
  validateForeignClaims(p, path, volumes, meta?.name);
  return good;
}

/** What upstream calls some of them when they are one too many. */
const said: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

function validateSource(p: Problems, path: string, volume: Volume, meta: ObjectMeta | undefined): void {
  let found = false;
  for (const key of Object.keys(checks) as (keyof Sources)[]) {
    const source = volume[key];
    if (source === undefined) continue;
    if (found) p.forbidden(`${path}.${said[key] ?? key}`, 'may not specify more than 1 volume type');
    else
      (checks[key] as SourceCheck<object>)(
        p,
        `${path}.${key === 'gcePersistentDisk' ? 'persistentDisk' : key}`,
        source,
      );
    found = true;
  }
  if (!found && Object.keys(volume).every((key) => key === 'name')) p.required(path, 'must specify a volume type');
  if (volume.ephemeral && meta?.name && volume.name) {
    const claim = `${meta.name}-${volume.name}`;
    for (const wrong of isDns1123Subdomain(claim)) {
      p.invalid(`${path}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${wrong}`);
    }
  }
}

/** The claims that are made for a pod's own volumes are nobody else's. */
function validateForeignClaims(p: Problems, path: string, volumes: readonly Volume[], pod: string | undefined): void {
  if (!pod) return;
  const made = new Set(volumes.flatMap((volume) => (volume.ephemeral ? [`${pod}-${volume.name}`] : [])));
  for (const [i, { persistentVolumeClaim: claim }] of volumes.entries()) {
    if (!claim || !made.has(claim.claimName)) continue;
    const why = 'must not reference a PVC that gets created for an ephemeral volume';
    p.invalid(`${path}[${i}].persistentVolumeClaim.claimName`, claim.claimName, why);
  }
}

export function validateAccessModes(p: Problems, path: string, modes: readonly string[]): void {
  for (const mode of modes) if (!accessModes.includes(mode)) p.unsupported(path, mode, accessModes);
  const alone = modes.includes('ReadWriteOncePod');
  if (alone && modes.some((m) => m !== 'ReadWriteOncePod' && accessModes.includes(m))) {
    p.forbidden(path, 'may not use ReadWriteOncePod with other access modes');
  }
}

interface Reference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
  namespace?: string | undefined;
}

function validateDataSource(p: Problems, path: string, source: Reference | undefined): void {
  if (!source) return;
  if (!source.name) p.required(`${path}.name`);
  if (!source.kind) p.required(`${path}.kind`);
  if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') {
    p.invalid(path, source.kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (source.apiGroup) p.all(`${path}.apiGroup`, source.apiGroup, isDns1123Subdomain(source.apiGroup));
  if (source.namespace) p.all(`${path}.namespace`, source.namespace, isDns1123Label(source.namespace));
}

export function validateClaimSpec(p: Problems, path: string, spec: PersistentVolumeClaimSpec): void {
  if (!spec.accessModes?.length) p.required(`${path}.accessModes`, 'at least 1 access mode is required');
  if (spec.selector) validateSelector(p, spec.selector, `${path}.selector`);
  validateAccessModes(p, `${path}.accessModes`, spec.accessModes ?? []);
  const storage = spec.resources?.requests?.storage;
  const field = `${path}.resources[storage]`;
  if (storage === undefined) p.required(field);
  else if (compareQuantities(storage, zeroQuantity) <= 0) p.invalid(field, storage, 'must be greater than zero');
  else validateResourceQuantity(p, field, 'storage', storage);
  for (const name of ['storageClassName', 'volumeAttributesClassName'] as const) {
    const value = spec[name];
    if (name === 'storageClassName' && value) p.all(`${path}.${name}`, value, isDns1123Subdomain(value));
  }
  const modes = ['Block', 'Filesystem'];
  if (spec.volumeMode !== undefined && !modes.includes(spec.volumeMode)) {
    p.unsupported(`${path}.volumeMode`, spec.volumeMode, modes);
  }
  validateDataSource(p, `${path}.dataSource`, spec.dataSource as Reference | undefined);
  validateDataSource(p, `${path}.dataSourceRef`, spec.dataSourceRef as Reference | undefined);
  const { dataSource: source, dataSourceRef: ref } = spec;
  // Upstream shows a path here, which has no text.
  const shown = {};
  if (source && ref?.namespace) {
    p.invalid(path, shown, 'may not be specified when dataSourceRef.namespace is specified');
  } else if (source && ref && !sameValue({ ...ref, namespace: undefined }, source)) {
    p.invalid(path, shown, 'must match dataSourceRef');
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes) p.all(`${path}.volumeAttributesClassName`, attributes, isDns1123Subdomain(attributes));
}
