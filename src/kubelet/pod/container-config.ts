import type { ContainerConfig, Mount } from '../../cri/types.ts';
import { expand } from './expansion.ts';
import { containerAnnotations, containerLabels } from './labels.ts';
import type { NodePod, PodContainer } from './pod.ts';
import { containerResources } from './resources.ts';
import { containerSecurity, type ImageUser, type SecurityContextNode, verifyRunAsNonRoot } from './security.ts';

export interface ContainerNode extends SecurityContextNode {
  memoryCapacity: number;
  hugePageSizes: readonly string[];
}

/** The configuration of one start of a container. Throws `KnarrError` for what the pod asks and cannot have. */
export function containerConfig(options: {
  pod: NodePod;
  item: PodContainer;
  restartCount: number;
  imageRef: string;
  imageUser: ImageUser;
  environment: ReadonlyMap<string, string>;
  mounts: Mount[];
  /** The container whose process namespace an ephemeral container joins. */
  targetId?: string | undefined;
  node: ContainerNode;
}): ContainerConfig {
  const { pod, item, restartCount, imageRef, imageUser, environment, mounts, targetId, node } = options;
  const { container } = item;
  verifyRunAsNonRoot(pod, container, imageUser);
  const stopSignal = container.lifecycle?.stopSignal;
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: imageRef, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map((word) => expand(word, environment)),
    args: (container.args ?? []).map((word) => expand(word, environment)),
    workingDir: container.workingDir ?? '',
    envs: [...environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts,
    devices: [],
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: `${container.name}/${restartCount}.log`,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: containerResources(pod, container, node),
      securityContext: containerSecurity(pod, container, imageUser, node, targetId),
    },
    ...(stopSignal ? { stopSignal } : {}),
  };
}
