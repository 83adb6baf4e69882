import type { Pod, PodCondition } from '../api/gen/core-v1.ts';
import { pods } from '../api/gen/resources.ts';
import { timeText } from '../api/literals.ts';
import { resourcePath } from '../api/object.ts';
import { isApiError } from '../api/status.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { type EventRecorder, referenceTo } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import type { Cycle, Plugin } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import type { Candidate } from './preemption.ts';

/** How decisions become known: bindings, conditions, evictions and events. */
export interface Binder {
  /** Rejects when the pod could not be bound; what was reserved is then the caller's to give back. */
  bind(cycle: Cycle, node: string): Promise<void>;
  refused(pod: PodInfo, message: string, found: { candidate: Candidate } | { message: string }): Promise<void>;
  gated(pod: PodInfo, message: string): Promise<void>;
}

export function createBinder(options: {
  client: Client;
  informer: Informer<Pod>;
  recorder: EventRecorder;
  plugins: readonly Plugin[];
  log: Logger;
  signal: AbortSignal;
}): Binder {
  const { client, informer, recorder, plugins, log, signal } = options;

  const setStatus = async ({ pod }: PodInfo, condition: PodCondition, nominated?: string | null): Promise<void> => {
    const { name = '', namespace, uid } = pod.metadata;
    const known = pod.status?.conditions?.find((c) => c.type === condition.type);
    const same =
      known?.status === condition.status && known.reason === condition.reason && known.message === condition.message;
    if (same && nominated === undefined) return;
    const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : timeText(new Date());
    const status = {
      conditions: [{ ...condition, lastTransitionTime }],
      ...(nominated === undefined ? {} : { nominatedNodeName: nominated }),
    };
    const body = { metadata: { uid }, status };
    try {
      informer.observe(
        await client.patch(pods, name, { type: 'strategic', body }, { namespace, subresource: 'status', signal }),
      );
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
  };

  const evict = async (victim: PodInfo, preemptor: PodInfo, node: string): Promise<void> => {
    const { name = '', namespace, uid } = victim.pod.metadata;
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${preemptor.pod.spec?.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
    };
    await setStatus(victim, condition);
    try {
      await client.delete(pods, name, { namespace, preconditions: { uid }, signal });
    } catch (error) {
      if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return;
      throw error;
    }
    log.info('a pod was preempted', { pod: victim.key, by: preemptor.key, node });
    const message = `Preempted by pod ${preemptor.uid} on node ${node}`;
    recorder.event(referenceTo(pods, victim.pod), 'Normal', 'Preempted', message);
  };

  return {
    async bind(cycle, node) {
      const { pod } = cycle.pod;
      const { name = '', namespace, uid } = pod.metadata;
      for (const plugin of plugins) await plugin.preBind?.(cycle, node, signal);
      await client.raw({
        method: 'POST',
        path: resourcePath(pods, { namespace, name, subresource: 'binding' }),
        body: {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name, namespace, uid },
          target: { kind: 'Node', name: node },
        },
        signal,
      });
      const message = `Successfully assigned ${namespace}/${name} to ${node}`;
      recorder.event(referenceTo(pods, pod), 'Normal', 'Scheduled', message);
    },

    async refused(pod, message, found) {
      recorder.event(referenceTo(pods, pod.pod), 'Warning', 'FailedScheduling', message);
      const condition: PodCondition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
      if (!('candidate' in found)) {
        await setStatus(pod, condition, pod.pod.status?.nominatedNodeName ? null : undefined);
        return;
      }
      const { node, victims } = found.candidate;
      await setStatus(pod, condition, node);
      await Promise.all(victims.map((victim) => evict(victim, pod, node)));
    },

    async gated(pod, message) {
      // The API server sets this condition when it admits a gated pod.
      const known = pod.pod.status?.conditions?.some((c) => c.reason === 'SchedulingGated');
      if (known) return;
      await setStatus(pod, { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message }).catch(
        () => {},
      );
    },
  };
}
