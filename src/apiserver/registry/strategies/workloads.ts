import type { StatefulSet } from '../../../api/gen/apps-v1.ts';
import { same } from '../same.ts';
import type { Draft, Frozen } from '../types.ts';
import type { Behaviour } from './map.ts';
import { readOf } from './of.ts';
import { labelSelector, mapSelector, scale } from './scale.ts';

/** A status write of these leaves the labels alone. */
function keepLabelsOnStatus(object: Draft, old: Frozen, { subresource }: { subresource: string | undefined }): void {
  if (subresource !== 'status') return;
  if (old.metadata.labels) object.metadata.labels = old.metadata.labels;
  else delete object.metadata.labels;
}

const statusReplicas = (object: Frozen): string => String(readOf<StatefulSet>(object).status?.replicas ?? 0);

export const deployments: Behaviour = {
  strategy: {
    status: true,
    generation: true,
    subresources: { scale: scale(labelSelector) },
    prepareForUpdate: keepLabelsOnStatus,
  },
};

export const replicaSets: Behaviour = {
  selectableFields: { 'status.replicas': statusReplicas },
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

interface TemplateCounter {
  spec: { templateGeneration?: number; template?: unknown };
}

/** A DaemonSet counts the changes of its template too, in a field from before there were revisions. */
export const daemonSets: Behaviour = {
  strategy: {
    status: true,
    generation: true,
    prepareForCreate(object) {
      const { spec } = object as unknown as TemplateCounter;
      delete spec.templateGeneration;
      const annotation = Number(object.metadata.annotations?.['deprecated.daemonset.template.generation']);
      const generation = annotation > 0 ? annotation : 1;
      object.metadata.annotations = {
        ...object.metadata.annotations,
        'deprecated.daemonset.template.generation': String(generation),
      };
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource) return;
      const key = 'deprecated.daemonset.template.generation';
      const before = Number(old.metadata.annotations?.[key] ?? 1);
      const changed = !same(
        (object as unknown as TemplateCounter).spec.template,
        (old as unknown as TemplateCounter).spec.template,
      );
      object.metadata.annotations = {
        ...object.metadata.annotations,
        [key]: String(changed ? before + 1 : before),
      };
    },
  },
};
