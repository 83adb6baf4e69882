import type { Job } from '../../../api/gen/batch-v1.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';

const childrenStay =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

const generatedLabels = (uid: string, name: string): Record<string, string> => ({
  'batch.kubernetes.io/controller-uid': uid,
  'batch.kubernetes.io/job-name': name,
  'controller-uid': uid,
  'job-name': name,
});

/** A job makes its own selector, from its uid, unless it is told not to. */
export const jobs: Behaviour = {
  selectableFields: { 'status.successful': (job) => String(readOf<Job>(job).status?.succeeded ?? 0) },
  strategy: {
    status: true,
    generation: true,
    prepareForCreate(object) {
      const { metadata, spec } = draftOf<Job>(object);
      if (!spec) return;
      spec.template.metadata ??= {};
      const { metadata: template } = spec.template;
      if (spec.manualSelector) return;
      const uid = metadata.uid ?? '';
      const name = metadata.name ?? '';
      const isShared = template.labels !== undefined && template.labels === metadata.labels;
      template.labels = { ...generatedLabels(uid, name), ...template.labels };
      if (isShared) metadata.labels = { ...template.labels };
      spec.selector ??= {};
      spec.selector.matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...spec.selector.matchLabels };
    },
    fillInStored(object) {
      const { metadata, spec } = draftOf<Job>(object);
      const labels = spec?.template.metadata?.labels;
      if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    },
    defaultPropagation: 'Orphan',
    deletionWarnings: ({ propagationPolicy, orphanDependents }) =>
      propagationPolicy === undefined && orphanDependents === undefined ? [childrenStay] : [],
  },
};
