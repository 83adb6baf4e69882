import type { AdmissionPlugin } from './plugin.ts';

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
  volumeattributesclasses: 'kubernetes.io/vac-protection',
};

/** Claims, volumes and their classes are not gone while they are in use. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  operations: ['CREATE'],
  resources: ['/persistentvolumeclaims', '/persistentvolumes', 'storage.k8s.io/volumeattributesclasses'],
  mutate({ object, resource }) {
    const finalizer = finalizers[resource];
    if (!object || !finalizer || object.metadata.finalizers?.includes(finalizer)) return false;
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
    return true;
  },
};
