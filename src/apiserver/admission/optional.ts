import type { PodSpec, ServiceSpec } from '../../api/gen/core-v1.ts';
import { type AdmissionPlugin, refuse } from './plugin.ts';

/** Every image is pulled anew for every pod, so that who may not pull it cannot use what lies on the node. */
const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  operations: ['CREATE', 'UPDATE'],
  resources: ['/pods', '/pods/ephemeralcontainers'],
  mutate({ object }) {
    const spec = object?.spec as PodSpec | undefined;
    let changed = false;
    for (const list of [spec?.initContainers, spec?.containers, spec?.ephemeralContainers])
      for (const container of list ?? []) {
        if (container.imagePullPolicy === 'Always') continue;
        container.imagePullPolicy = 'Always';
        changed = true;
      }
    return changed;
  },
};

/** No Service gets an external address that it had not. */
const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  operations: ['CREATE', 'UPDATE'],
  resources: ['/services'],
  validate(a) {
    const of = (object: unknown): readonly string[] =>
      (object as { spec?: ServiceSpec } | undefined)?.spec?.externalIPs ?? [];
    const before = new Set(of(a.oldObject));
    if (of(a.object).some((address) => !before.has(address)))
      throw refuse(a, 'Use of external IPs is denied by admission control.');
  },
};

/** Plug-ins that are there only where they are asked for. */
export const optionalPlugins: readonly AdmissionPlugin[] = [alwaysPullImages, denyServiceExternalIps];

/** Parts of others here, or without effect at their defaults: on whatever is said. */
export const builtInPlugins: readonly string[] = [
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'ClusterTrustBundleAttest',
  'DefaultIngressClass',
  'DefaultStorageClass',
  'DefaultTolerationSeconds',
  'JobValidation',
  'LimitRanger',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'NamespaceLifecycle',
  'NodeDeclaredFeatureValidator',
  'NodeRestriction',
  'PersistentVolumeClaimResize',
  'PodGroupProtection',
  'PodGroupWorkloadExists',
  'PodResizeValidator',
  'PodSecurity',
  'PodTopologyLabels',
  'Priority',
  'ResourceQuota',
  'RuntimeClass',
  'ServiceAccount',
  'StorageObjectInUseProtection',
  'TaintNodesByCondition',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
];
