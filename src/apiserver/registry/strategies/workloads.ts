import type { StatefulSet } from '../../../api/gen/apps-v1.ts';
import { same } from '../same.ts';
import type { Draft, Frozen } from '../types.ts';
import type { Behaviour } from './map.ts';
import { readOf } from './of.ts';
import { labelSelector, mapSelector, scale } from './scale.ts';

const statusReplicas = (object: Frozen): string => String(readOf<StatefulSet>(object).status?.replicas ?? 0);

export const deployments: Behaviour = {
  strategy: {
    status: true,
    statusKeepsMetadata: ['labels'],
    generation: true,
    subresources: { scale: scale(labelSelector) },
    prepareForUpdate(object, old, context) {
      // A change of annotations counts too.
      const changed = !same(object.metadata.annotations ?? {}, old.metadata.annotations ?? {});
      if (changed && !context.subresource) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
  },
};

export const replicaSets: Behaviour = {
  strategy: { status: true, generation: true, subresources: { scale: scale(labelSelector) } },
};

export const replicationControllers: Behaviour = {
  selectableFields: { 'status.replicas': statusReplicas },
  strategy: {
    status: true,
    generation: true,
    defaultPropagation: 'Orphan',
    subresources: { scale: scale(mapSelector) },
  },
};

export const statefulSets: Behaviour = {
  strategy: { status: true, generation: true, subresources: { scale: scale(labelSelector) } },
};

interface Counted {
  spec?: { templateGeneration?: number; template?: unknown };
}

const templateGeneration = 'deprecated.daemonset.template.generation';

function setTemplateGeneration(object: Draft, generation: number): void {
  object.metadata.annotations = { ...object.metadata.annotations, [templateGeneration]: String(generation) };
}

/** A DaemonSet counts the changes of its template too, as an annotation: a field from before there were revisions. */
export const daemonSets: Behaviour = {
  strategy: {
    status: true,
    generation: true,
    normalize(object, old) {
      const before = old?.metadata.annotations?.[templateGeneration];
      const given = object.metadata.annotations?.[templateGeneration];
      setTemplateGeneration(object, Number(before ?? given ?? 1) || 1);
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource) return;
      const before = Number(old.metadata.annotations?.[templateGeneration] ?? 1);
      const changed = !same((object as Counted).spec?.template, (old as Counted).spec?.template);
      setTemplateGeneration(object, changed ? before + 1 : before);
    },
  },
};
