import type { CustomResourceDefinition } from '../../../api/gen/apiextensions-v1.ts';
import { definitionProblems, formatWarnings } from '../../crd/definition-checks.ts';
import { timestamp } from '../core.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';

const cleanup = 'customresourcecleanup.apiextensions.k8s.io';

/** Definitions remember every version in which objects may be stored, and stay until their objects are gone. */
export const customResourceDefinitions: Behaviour = {
  strategy: {
    status: true,
    generation: true,
    unconditionalUpdate: false,
    prepareForCreate(object) {
      const definition = draftOf<CustomResourceDefinition>(object);
      definition.status = {
        conditions: null as unknown as [],
        acceptedNames: { plural: '', kind: '' },
        storedVersions: storageVersions(definition),
      };
    },
    prepareForUpdate(object, _old, { subresource }) {
      const definition = draftOf<CustomResourceDefinition>(object);
      if (subresource || !definition.status) return;
      const known = definition.status.storedVersions ?? [];
      const added = storageVersions(definition).filter((version) => !known.includes(version));
      if (added.length > 0) definition.status = { ...definition.status, storedVersions: [...known, ...added] };
    },
    validate: (object) => definitionProblems(draftOf<CustomResourceDefinition>(object)),
    validateUpdate: (object, old, { subresource }) =>
      subresource
        ? []
        : definitionProblems(draftOf<CustomResourceDefinition>(object), readOf<CustomResourceDefinition>(old)),
    warnings: (object, old) =>
      formatWarnings(draftOf<CustomResourceDefinition>(object), old && readOf<CustomResourceDefinition>(old)),
    markDeleting(object, old) {
      if (old.metadata.deletionTimestamp) return;
      const definition = draftOf<CustomResourceDefinition>(object);
      const { metadata } = definition;
      delete metadata.deletionGracePeriodSeconds;
      // This deletion is a change of status alone.
      metadata.generation = old.metadata.generation;
      metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanup])];
      const others = (definition.status?.conditions ?? []).filter((c) => c.type !== 'Terminating');
      definition.status = {
        ...definition.status,
        conditions: [
          ...others,
          {
            type: 'Terminating',
            status: 'True',
            lastTransitionTime: timestamp(),
            reason: 'InstanceDeletionPending',
            message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
          },
        ],
      };
    },
    deleteWhenUnfinalized: ({ metadata }) => metadata.deletionTimestamp !== undefined,
  },
};

function storageVersions({ spec }: CustomResourceDefinition): string[] {
  const names = (spec?.versions ?? []).filter((version) => version.storage).map((version) => version.name);
  return [...new Set(names)];
}
