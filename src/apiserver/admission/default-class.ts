import type { Frozen } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, listAll } from './plugin.ts';

const isDefault = (annotation: string) => (object: Frozen) => object.metadata.annotations?.[annotation] === 'true';

/** The newest of the default ones; of two of one second the first by name. */
function newest(objects: readonly Frozen[]): string | undefined {
  const time = (object: Frozen): number => Date.parse(object.metadata.creationTimestamp ?? '') || 0;
  const sorted = [...objects].sort(
    (a, b) => time(b) - time(a) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1),
  );
  return sorted[0]?.metadata.name;
}

/** A claim that names no storage class gets the default one. */
export function defaultStorageClass(context: AdmissionContext): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    operations: ['CREATE'],
    resources: ['/persistentvolumeclaims'],
    async mutate({ object }) {
      const spec = object?.spec as { storageClassName?: string } | undefined;
      if (!object || !spec || spec.storageClassName !== undefined) return false;
      if (object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return false;
      const classes = await listAll(context, { group: 'storage.k8s.io', resource: 'storageclasses' });
      const name = newest(
        classes.filter(
          (c) =>
            isDefault('storageclass.kubernetes.io/is-default-class')(c) ||
            isDefault('storageclass.beta.kubernetes.io/is-default-class')(c),
        ),
      );
      if (name === undefined) return false;
      spec.storageClassName = name;
      return true;
    },
  };
}

/** An ingress that names no class gets the default one. */
export function defaultIngressClass(context: AdmissionContext): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    operations: ['CREATE'],
    resources: ['networking.k8s.io/ingresses'],
    async mutate({ object }) {
      const spec = object?.spec as { ingressClassName?: string } | undefined;
      if (!object || !spec || spec.ingressClassName !== undefined) return false;
      if (object.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return false;
      const classes = await listAll(context, { group: 'networking.k8s.io', resource: 'ingressclasses' });
      const name = newest(classes.filter(isDefault('ingressclass.kubernetes.io/is-default-class')));
      if (name === undefined) return false;
      spec.ingressClassName = name;
      return true;
    },
  };
}
