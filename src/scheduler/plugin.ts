import type { View } from './cache.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

/** What may make an unschedulable pod schedulable. */
export type ClusterChange =
  | 'node-added'
  | 'node-changed'
  | 'pod-added'
  | 'pod-changed'
  | 'pod-removed'
  | 'storage'
  | 'other';

/** Why a pod cannot go somewhere. `unresolvable`: taking pods away there would not help. */
export interface Refusal {
  readonly reasons: readonly string[];
  readonly unresolvable?: boolean;
}

/** Facts that one plugin works out once per pod and its other steps read again. */
export interface Cycle {
  readonly pod: PodInfo;
  readonly view: View;
  readonly facts: Map<string, unknown>;
}

/** One concern of scheduling. All steps are synchronous but the two last. */
export interface Plugin {
  readonly name: string;
  /** Changes after which a pod that this plugin refused is worth another look. */
  readonly wakes: readonly ClusterChange[];
  /** Before the pod enters the queue; a refusal keeps it out until it changes. */
  preEnqueue?(pod: PodInfo): Refusal | undefined;
  /** A refusal holds for every node. A list of names confines the search to these nodes. */
  preFilter?(cycle: Cycle): Refusal | readonly string[] | undefined;
  filter?(cycle: Cycle, node: NodeInfo): Refusal | undefined;
  score?: Scorer;
  /** Takes what the pod needs on the node, in memory. */
  reserve?(cycle: Cycle, node: string): void;
  /** Makes it so in the API before the binding; rejects when it cannot be. */
  preBind?(cycle: Cycle, node: string, signal: AbortSignal): Promise<void>;
  unreserve?(cycle: Cycle, node: string): void;
}

export interface Scorer {
  readonly weight: number;
  /** False: all nodes are the same to it. */
  prepare?(cycle: Cycle, feasible: readonly NodeInfo[]): boolean;
  of(cycle: Cycle, node: NodeInfo): number;
  /** Brings the scores to 0…100. Default: they are already. */
  normalize?(scores: number[], cycle: Cycle, nodes: readonly NodeInfo[]): void;
}

/** Scales to 0…100 by the greatest; reversed, the smallest gets most. */
export function normalizeByMax(scores: number[], reverse = false): void {
  const max = Math.max(0, ...scores);
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? 0;
    const scaled = max === 0 ? 0 : Math.floor((score * 100) / max);
    scores[i] = reverse ? 100 - scaled : scaled;
  }
}
