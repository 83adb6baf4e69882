import type {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  AzureFilePersistentVolumeSource,
  CinderPersistentVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  FlexPersistentVolumeSource,
  FlockerVolumeSource,
  GlusterfsPersistentVolumeSource,
  HostPathVolumeSource,
  ISCSIPersistentVolumeSource,
  NFSVolumeSource,
  QuobyteVolumeSource,
  SecretReference,
  StorageOSPersistentVolumeSource,
} from '../gen/core-v1.ts';
import { inRange, isDns1123Label, isDns1123Subdomain } from '../names.ts';
import { validateNoBacksteps } from './paths.ts';
import type { Problems } from './problems.ts';

/** Looks at one source of a volume; what the two kinds of volumes have in common. */
export type SourceCheck<T> = (p: Problems, path: string, source: T) => void;

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

export const requiring =
  <T extends object>(...fields: (keyof T & string)[]): SourceCheck<T> =>
  (p, path, source) => {
    for (const field of fields) {
      const value = source[field];
      if (!value || (Array.isArray(value) && value.length === 0)) p.required(`${path}.${field}`);
    }
  };

export const hostPath: SourceCheck<HostPathVolumeSource> = (p, path, source) => {
  if (!source.path) {
    p.required(`${path}.path`);
    return;
  }
  validateNoBacksteps(p, `${path}.path`, source.path);
  if (!hostPathTypes.includes(source.type ?? '')) p.unsupported(`${path}.type`, source.type, hostPathTypes);
};

export const nfs: SourceCheck<NFSVolumeSource> = (p, path, source) => {
  if (!source.server) p.required(`${path}.server`);
  if (!source.path) p.required(`${path}.path`);
  if (!source.path?.startsWith('/')) p.invalid(`${path}.path`, source.path ?? '', 'must be an absolute path');
};

const partitionText =
  "If you want to mount by partition number, specify a partition between 1 and 255. Otherwise leave it empty or set it to '0'.";

export const partitioned =
  (id: 'volumeID' | 'pdName'): SourceCheck<Partial<AWSElasticBlockStoreVolumeSource> & { pdName?: string }> =>
  (p, path, source) => {
    if (!source[id]) p.required(`${path}.${id}`);
    const partition = source.partition ?? 0;
    if (partition < 0 || partition > 255) p.invalid(`${path}.partition`, partition, partitionText);
  };

export const fibreChannel: SourceCheck<FCVolumeSource> = (p, path, { targetWWNs = [], wwids = [], lun }) => {
  const at = `${path}.targetWWNs`;
  if (targetWWNs.length === 0 && wwids.length === 0) {
    p.required(at, 'must specify either targetWWNs or wwids, but not both');
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    p.invalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously');
  }
  if (targetWWNs.length === 0) return;
  if (lun === undefined) p.required(`${path}.lun`, 'lun is required if targetWWNs is specified');
  else if (lun < 0 || lun > 255) p.invalid(`${path}.lun`, lun, inRange(0, 255));
};

export const flocker: SourceCheck<FlockerVolumeSource> = (p, path, { datasetName = '', datasetUUID = '' }) => {
  if (datasetName === '' && datasetUUID === '') p.required(path, 'one of datasetName and datasetUUID is required');
  if (datasetName !== '' && datasetUUID !== '') {
    p.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (datasetName.includes('/')) p.invalid(`${path}.datasetName`, datasetName, "must not contain '/'");
};

const pairs = 'must be a host:port pair or multiple pairs separated by commas';

export const quobyte: SourceCheck<QuobyteVolumeSource> = (p, path, { registry, tenant = '', volume }) => {
  if (!registry) p.required(`${path}.registry`, pairs);
  else if (tenant.length >= 65) {
    p.required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters');
  } else {
    for (const pair of registry.split(',')) {
      if (!/^(\[[^\]]*\]|[^:[\]]*):[^:]*$/.test(pair)) p.invalid(`${path}.registry`, registry, pairs);
    }
  }
  if (!volume) p.required(`${path}.volume`);
};

/** `namespaced`: the secret is named with its namespace. */
export const storageOs =
  (namespaced: boolean): SourceCheck<StorageOSPersistentVolumeSource> =>
  (p, path, { volumeName, volumeNamespace, secretRef }) => {
    if (!volumeName) p.required(`${path}.volumeName`);
    else p.all(`${path}.volumeName`, volumeName, isDns1123Label(volumeName));
    if (volumeNamespace) p.all(`${path}.volumeNamespace`, volumeNamespace, isDns1123Label(volumeNamespace));
    if (secretRef)
      requiring<SecretReference>('name', ...(namespaced ? (['namespace'] as const) : []))(
        p,
        `${path}.secretRef`,
        secretRef,
      );
  };

export const cinder =
  (namespaced: boolean): SourceCheck<CinderPersistentVolumeSource> =>
  (p, path, { volumeID, secretRef }) => {
    if (!volumeID) p.required(`${path}.volumeID`);
    if (secretRef)
      requiring<SecretReference>('name', ...(namespaced ? (['namespace'] as const) : []))(
        p,
        `${path}.secretRef`,
        secretRef,
      );
  };

export const flexible: SourceCheck<FlexPersistentVolumeSource> = (p, path, { driver, options = {} }) => {
  if (!driver) p.required(`${path}.driver`);
  for (const key of Object.keys(options)) {
    const namespace = `.${(key.includes('/') ? (key.split('/')[0] ?? '') : key).toLowerCase()}`;
    if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io')) {
      p.invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved');
    }
  }
};

const qualifiedNames = [
  /iqn\.\d{4}-\d{2}\.([\w\d.:-]+)$/,
  /^eui\.[0-9A-Fa-f]{16}$/,
  /^naa\.[0-9A-Fa-f]{32}$|^naa\.[0-9A-Fa-f]{16}$/,
] as const;
const qualifiedStarts = ['iqn', 'eui', 'naa'];

/** `startText`: what is said of a name that begins with none of the three. */
export const iscsi =
  (startText: string, namedSecret: boolean): SourceCheck<ISCSIPersistentVolumeSource> =>
  (p, path, source) => {
    const { targetPortal, iqn, lun = 0, secretRef, initiatorName } = source;
    const qualified = (field: string, name: string): void => {
      const form = qualifiedStarts.findIndex((start) => name.startsWith(start));
      if (form < 0) p.invalid(`${path}.${field}`, name, startText);
      else if (!qualifiedNames[form]?.test(name)) p.invalid(`${path}.${field}`, name, 'must be valid format');
    };
    if (!targetPortal) p.required(`${path}.targetPortal`);
    if (!iqn) p.required(`${path}.iqn`);
    else qualified('iqn', iqn);
    if (lun < 0 || lun > 255) p.invalid(`${path}.lun`, lun, inRange(0, 255));
    if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef) p.required(`${path}.secretRef`);
    if (namedSecret && secretRef && !secretRef.name) p.required(`${path}.secretRef.name`);
    if (initiatorName !== undefined) qualified('initiatorname', initiatorName);
  };

export const azureDisk: SourceCheck<AzureDiskVolumeSource> = (p, path, source) => {
  const { kind, cachingMode, diskURI = '' } = source;
  requiring<AzureDiskVolumeSource>('diskName', 'diskURI')(p, path, source);
  const caching = ['None', 'ReadOnly', 'ReadWrite'];
  if (cachingMode !== undefined && !caching.includes(cachingMode)) {
    p.unsupported(`${path}.cachingMode`, cachingMode, caching);
  }
  const kinds = ['Dedicated', 'Managed', 'Shared'];
  if (kind !== undefined && !kinds.includes(kind)) p.unsupported(`${path}.kind`, kind, kinds);
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) {
    p.unsupported(`${path}.diskURI`, diskURI, [
      '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
    ]);
  }
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://')) {
    p.unsupported(`${path}.diskURI`, diskURI, [
      'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd',
    ]);
  }
};

export const azureFileVolume: SourceCheck<AzureFilePersistentVolumeSource> = (p, path, source) => {
  requiring<AzureFilePersistentVolumeSource>('secretName', 'shareName')(p, path, source);
  if (source.secretNamespace === '') p.required(`${path}.secretNamespace`);
};

export const glusterVolume: SourceCheck<GlusterfsPersistentVolumeSource> = (p, path, source) => {
  requiring<GlusterfsPersistentVolumeSource>('endpoints', 'path')(p, path, source);
  const namespace = source.endpointsNamespace;
  if (namespace === undefined) return;
  const at = `${path}.endpointsNamespace`;
  if (namespace === '') p.invalid(at, '', 'if the endpointnamespace is set, it must be a valid namespace name');
  else p.all(at, namespace, isDns1123Label(namespace));
};

const secrets = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

/** The secrets of a CSI volume; its driver and handle are looked at elsewhere. */
export function validateCsiSecrets(p: Problems, path: string, source: CSIPersistentVolumeSource): void {
  for (const field of secrets) {
    const ref = source[field];
    if (!ref) continue;
    if (!ref.name) p.required(`${path}.${field}.name`);
    else p.all(`${path}.${field}.name`, ref.name, isDns1123Subdomain(ref.name));
    if (!ref.namespace) p.required(`${path}.${field}.namespace`);
    else p.all(`${path}.${field}.namespace`, ref.namespace, isDns1123Label(ref.namespace));
  }
}
