import type { Node, PersistentVolume, PersistentVolumeClaim, Secret } from '../../../api/gen/core-v1.ts';
import { timestamp } from '../core.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';

/** A kubelet registers its node together with its status. */
export const nodes: Behaviour = {
  selectableFields: { 'spec.unschedulable': (node) => String(readOf<Node>(node).spec?.unschedulable ?? false) },
  strategy: { status: true, statusOnCreate: true },
};

/** `stringData` is another way to write `data`, and is never kept. */
export const secrets: Behaviour = {
  selectableFields: { type: (secret) => readOf<Secret>(secret).type ?? '' },
  strategy: {
    normalize(object) {
      const secret = draftOf<Secret>(object);
      const texts = Object.entries(secret.stringData ?? {});
      if (texts.length > 0) {
        const added = texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
        secret.data = { ...secret.data, ...Object.fromEntries(added) };
      }
      delete secret.stringData;
    },
  },
};

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
