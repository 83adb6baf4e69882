import type { Node, PersistentVolume, PersistentVolumeClaim, Secret } from '../../../api/gen/core-v1.ts';
import { timestamp } from '../core.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';

/** A kubelet registers its node together with its status. */
export const nodes: Behaviour = {
  selectableFields: { 'spec.unschedulable': (node) => String(readOf<Node>(node).spec?.unschedulable ?? false) },
  strategy: { status: true, statusOnCreate: true },
};

export const secrets: Behaviour = { selectableFields: { type: (secret) => readOf<Secret>(secret).type ?? '' } };

export const persistentVolumes: Behaviour = {
  strategy: {
    status: true,
    answerDeleted: true,
    prepareForCreate(object) {
      draftOf<PersistentVolume>(object).status = { phase: 'Pending', lastPhaseTransitionTime: timestamp() };
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource !== 'status') return;
      const { status } = draftOf<PersistentVolume>(object);
      const before = readOf<PersistentVolume>(old).status;
      if (status && status.phase !== before?.phase) status.lastPhaseTransitionTime ??= timestamp();
      else if (status && before?.lastPhaseTransitionTime) {
        status.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime;
      }
    },
  },
};

export const persistentVolumeClaims: Behaviour = {
  strategy: {
    status: true,
    answerDeleted: true,
    prepareForCreate(object) {
      draftOf<PersistentVolumeClaim>(object).status = { phase: 'Pending' };
    },
  },
};
