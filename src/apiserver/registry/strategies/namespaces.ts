import type { Namespace } from '../../../api/gen/core-v1.ts';
import type { Behaviour } from './map.ts';
import { draftOf } from './of.ts';

const finalizer = 'kubernetes';

/** Namespaces leave when their spec's finalizers, which only `finalize` may change, are gone. */
export const namespaces: Behaviour = {
  selectableFields: { 'status.phase': ['status', 'phase'] },
  strategy: {
    status: true,
    answerDeleted: true,
    defaultPropagation: 'Background',
    prepareForCreate(object) {
      const namespace = draftOf<Namespace>(object);
      namespace.status = { phase: 'Active' };
      const finalizers = namespace.spec?.finalizers ?? [];
      namespace.spec = {
        ...namespace.spec,
        finalizers: finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer],
      };
      namespace.metadata.labels = {
        ...namespace.metadata.labels,
        'kubernetes.io/metadata.name': namespace.metadata.name ?? '',
      };
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource === 'finalize') object.status = old.status;
      else object.spec = old.spec;
    },
    markDeleting(object) {
      const namespace = draftOf<Namespace>(object);
      namespace.status = { ...namespace.status, phase: 'Terminating' };
      if ((namespace.metadata.finalizers?.length ?? 0) === 0) delete namespace.metadata.deletionGracePeriodSeconds;
    },
    deleteWhenUnfinalized: (object) => (draftOf<Namespace>(object).spec?.finalizers?.length ?? 0) === 0,
  },
};
