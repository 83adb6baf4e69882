import type { Node, NodeCondition } from '../../api/gen/core-v1.ts';
import { timeText } from '../runtime/time.ts';

/** What is known of a node's being alive, by this process's own clock. */
export interface Heartbeat {
  /** When its lease or its reported conditions last changed. */
  at: number;
  lease: string | undefined;
  status: string | undefined;
}

const types = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export const readyOf = (node: Node): string =>
  node.status?.conditions?.find((c) => c.type === 'Ready')?.status ?? 'Unknown';

/** The conditions of a node that has been silent for too long; undefined when they say so already. */
export function unknownConditions(node: Node, now: number): NodeCondition[] | undefined {
  const conditions = node.status?.conditions ?? [];
  const next = [...conditions];
  let changed = false;
  for (const type of types) {
    const index = next.findIndex((c) => c.type === type);
    const old = next[index];
    if (!old) {
      const at = timeText(now);
      next.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: at,
      });
      changed = true;
    } else if (old.status !== 'Unknown') {
      next[index] = {
        ...old,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: timeText(now),
      };
      changed = true;
    }
  }
  return changed ? next : undefined;
}
