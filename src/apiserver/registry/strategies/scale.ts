import type { Scale } from '../../../api/gen/autoscaling-v1.ts';
import type { LabelSelector } from '../../../api/gen/meta-v1.ts';
import { labelSelectorText, selectorRequirements } from '../../../api/selectors.ts';
import { invalid } from '../../../api/status.ts';
import type { Draft, Frozen, SubresourceBehaviour } from '../types.ts';
import { draftOf } from './of.ts';

interface Scalable {
  spec?: { replicas?: number; selector?: unknown };
  status?: { replicas?: number };
}

/** The `scale` subresource of a workload: its replicas as an `autoscaling/v1` Scale. */
export function scale(selectorText: (selector: unknown) => string): SubresourceBehaviour {
  return {
    read(parent: Frozen): Draft {
      const { name, namespace, uid, resourceVersion, creationTimestamp } = parent.metadata;
      const { spec, status } = parent as unknown as Scalable;
      const selector = selectorText(spec?.selector);
      const replicas = spec?.replicas ?? 0;
      return {
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
        spec: replicas === 0 ? {} : { replicas },
        status: { replicas: status?.replicas ?? 0, ...(selector === '' ? {} : { selector }) },
      } as unknown as Draft;
    },
    write(parent, given, { registry: _registry }) {
      const { metadata, spec } = draftOf<Scale>(given);
      const replicas = spec?.replicas ?? 0;
      if (replicas < 0) {
        throw invalid({ group: 'autoscaling', kind: 'Scale' }, metadata.name ?? '', [
          {
            reason: 'FieldValueInvalid',
            field: 'spec.replicas',
            message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
          },
        ]);
      }
      if (metadata.resourceVersion) parent.metadata.resourceVersion = metadata.resourceVersion;
      else delete parent.metadata.resourceVersion;
      if (metadata.uid) parent.metadata.uid = metadata.uid;
      parent.spec = { ...(parent.spec as object), replicas };
    },
  };
}

export const labelSelector = (selector: unknown): string =>
  labelSelectorText(selectorRequirements(selector as LabelSelector | undefined) ?? []);

/** A replication controller's selector is a plain map. */
export const mapSelector = (selector: unknown): string =>
  Object.entries((selector ?? {}) as Record<string, string>)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
