import type { Pod, PodCondition } from '../../../api/gen/core-v1.ts';
import { qosClass } from '../../../api/pod-qos.ts';
import { timestamp } from '../core.ts';
import type { Draft, Frozen } from '../types.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';
import { takeAppArmorAnnotations } from './pod-app-armor.ts';
import { binding } from './pod-binding.ts';
import { eviction } from './pod-eviction.ts';
import { mergeLabelKeys } from './pod-label-keys.ts';
import { resizePod } from './pod-resize.ts';

/** Pods: a fresh status, changes of the spec only through the subresources that allow them, graceful deletion. */
export const pods: Behaviour = {
  selectableFields: {
    'spec.nodeName': ['spec', 'nodeName'],
    'spec.restartPolicy': ['spec', 'restartPolicy'],
    'spec.schedulerName': ['spec', 'schedulerName'],
    'spec.serviceAccountName': ['spec', 'serviceAccountName'],
    'spec.hostNetwork': (pod) => String(readOf<Pod>(pod).spec?.hostNetwork ?? false),
    'status.phase': ['status', 'phase'],
    'status.podIP': ['status', 'podIP'],
    'status.podIPs': (pod) => (readOf<Pod>(pod).status?.podIPs ?? []).map(({ ip }) => ip).join(','),
    'status.nominatedNodeName': ['status', 'nominatedNodeName'],
  },
  strategy: {
    status: true,
    statusKeepsMetadata: ['ownerReferences'],
    generation: true,
    answerDeleted: true,
    gracePeriod: (object, asked) => gracePeriod(readOf<Pod>(object), asked),
    normalize(object) {
      const { spec } = draftOf<Pod>(object);
      if ((spec?.terminationGracePeriodSeconds ?? 0) < 0 && spec) spec.terminationGracePeriodSeconds = 1;
    },
    prepareForCreate(object, context) {
      const pod = draftOf<Pod>(object);
      mergeLabelKeys(pod);
      takeAppArmorAnnotations(pod, (text) => context.warn(text));
      pod.status = { phase: 'Pending', qosClass: qosClass(pod) };
      if ((pod.spec?.schedulingGates?.length ?? 0) > 0) pod.status.conditions = [gatedCondition()];
    },
    prepareForUpdate(object, old, { subresource }) {
      switch (subresource) {
        case 'status':
          return prepareStatus(draftOf<Pod>(object), readOf<Pod>(old));
        case 'ephemeralcontainers':
          return prepareEphemeralContainers(object, old);
        case 'resize':
          return resizePod(object, old);
        default:
          return undefined;
      }
    },
    subresources: { binding, eviction },
  },
};

function gracePeriod(pod: Readonly<Pod>, asked: number | undefined): number {
  const over = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  if (!pod.spec?.nodeName || over) return 0;
  const period = asked ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return period < 0 ? 1 : period;
}

function gatedCondition(): PodCondition {
  return {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    lastProbeTime: null as unknown as string,
    lastTransitionTime: timestamp(),
  };
}

/** A status keeps what older kubelets leave out. */
function prepareStatus(pod: Pod, old: Readonly<Pod>): void {
  pod.status ??= {};
  const { status } = pod;
  const before = old.status ?? {};
  if (!status.qosClass && before.qosClass) status.qosClass = before.qosClass;
  if (!status.observedGeneration && before.observedGeneration) status.observedGeneration = before.observedGeneration;
  // There may be several conditions of one type.
  const known = Map.groupBy(before.conditions ?? [], ({ type }) => type);
  for (const condition of status.conditions ?? []) {
    const generation = known.get(condition.type)?.shift()?.observedGeneration;
    if (!condition.observedGeneration && generation) condition.observedGeneration = generation;
  }
}

function prepareEphemeralContainers(object: Draft, old: Frozen): void {
  const pod = draftOf<Pod>(object);
  const before = readOf<Pod>(old);
  const containers = pod.spec?.ephemeralContainers;
  pod.spec = { ...(before.spec as NonNullable<Pod['spec']>) };
  if (containers) pod.spec.ephemeralContainers = containers;
  else delete pod.spec.ephemeralContainers;
  keepMetadataAndStatus(object, old);
}

/** What a subresource that is about a part of the spec leaves alone. */
export function keepMetadataAndStatus(object: Draft, old: Frozen): void {
  const { resourceVersion, managedFields } = object.metadata;
  object.metadata = { ...old.metadata, resourceVersion, managedFields };
  object.status = old.status;
}
