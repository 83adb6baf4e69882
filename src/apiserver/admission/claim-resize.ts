import type { PersistentVolumeClaim } from '../../api/gen/core-v1.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { lookUp } from '../registry/look-up.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';

const classOf = ({ metadata, spec }: PersistentVolumeClaim): string | undefined =>
  metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName;

/** A claim grows only when it is bound and its class allows it. */
export function claimResize(context: AdmissionContext): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    operations: ['UPDATE'],
    resources: ['/persistentvolumeclaims'],
    async validate(attributes) {
      const claim = attributes.object as unknown as PersistentVolumeClaim;
      const old = attributes.oldObject as unknown as PersistentVolumeClaim;
      const size = claim.spec?.resources?.requests?.storage ?? '0';
      const before = old.spec?.resources?.requests?.storage ?? '0';
      if (compareQuantities(size, before) <= 0) return;
      if (old.status?.phase !== 'Bound')
        throw refuse(attributes, 'Only bound persistent volume claims can be expanded');
      const name = classOf(claim);
      const found =
        name &&
        name === classOf(old) &&
        (await lookUp(context.registry(), { group: 'storage.k8s.io', resource: 'storageclasses' }, { name }));
      if ((found || undefined)?.allowVolumeExpansion !== true)
        throw refuse(
          attributes,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        );
    },
  };
}
