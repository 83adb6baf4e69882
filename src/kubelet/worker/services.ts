import type { Container, PodStatus, Secret } from '../../api/gen/core-v1.ts';
import type { Logger } from '../../base/log.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { Mount, SandboxConfig } from '../../cri/types.ts';
import type { ImagePuller } from '../images/puller.ts';
import type { ObjectCache } from '../object-cache.ts';
import type { ContainerNode } from '../pod/container-config.ts';
import type { NodePod, PodContainer } from '../pod/pod.ts';
import type { Prober } from '../probes/prober.ts';
import type { StartFailure } from '../status/container-statuses.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import type { KeyedBackoff } from './backoff.ts';
import type { PodViewReader } from './pod-view.ts';

/** What pod workers work with; one set for all of them. */
export interface WorkerServices {
  runtime: ContainerRuntime;
  views: PodViewReader;
  volumes: VolumeManager;
  objects: ObjectCache;
  prober: Prober;
  puller: ImagePuller;
  crashBackoff: KeyedBackoff;
  log: Logger;
  event(
    pod: NodePod,
    item: PodContainer | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
  /** The pod's cgroup made and limited; the name that the runtime is given. */
  ensureCgroup(pod: NodePod): Promise<string>;
  removeCgroup(pod: NodePod): Promise<void>;
  sandboxConfig(pod: NodePod, attempt: number, cgroupParent: string): Promise<SandboxConfig>;
  runtimeHandler(pod: NodePod): Promise<string>;
  securityNode(pod: NodePod): ContainerNode;
  environment(pod: NodePod, container: Container, podIPs: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Mounts that every container has: /etc/hosts, its termination message file. */
  standardMounts(pod: NodePod, container: Container, podIPs: readonly string[], hasEtcHosts: boolean): Promise<Mount[]>;
  pullSecrets(pod: NodePod): Promise<Secret[]>;
  hostIPs: readonly string[];
  recursiveReadOnly: () => boolean;
  status: StatusSink;
  /** Frees what the node keeps of a pod that is over. */
  release(pod: NodePod): Promise<void>;
  containerLogsDir: string | undefined;
  now(): number;
}

/** Where statuses go. */
export interface StatusSink {
  /** What is known of the pod's status: the last one set, or the API's. */
  current(pod: NodePod): PodStatus;
  set(pod: NodePod, status: PodStatus): void;
  /** Resolves when what was set last is in the API (or the pod is gone from there). */
  settled(podUid: string): Promise<void>;
  forget(podUid: string): void;
}

export type { StartFailure };
