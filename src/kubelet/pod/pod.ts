import type { Container, EphemeralContainer, Pod, PodSpec } from '../../api/gen/core-v1.ts';
import type { ObjectMeta } from '../../api/gen/meta-v1.ts';

/** A pod as the kubelet runs it: bound, with identity. */
export interface NodePod extends Pod {
  metadata: ObjectMeta & { name: string; namespace: string; uid: string };
  spec: PodSpec;
}

export function isNodePod(pod: Pod): pod is NodePod {
  const { name, namespace, uid } = pod.metadata ?? {};
  return Boolean(name && namespace && uid && pod.spec);
}

export type ContainerKind = 'init' | 'main' | 'ephemeral';

export interface PodContainer {
  kind: ContainerKind;
  /** An init container with restartPolicy Always. */
  sidecar: boolean;
  container: Container;
  /** Of an ephemeral container: whose process namespace it joins. */
  targetContainerName?: string | undefined;
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** Every container of the pod: init containers, main ones, ephemeral ones, each in the order of the specification. */
export function containersOf(pod: NodePod): PodContainer[] {
  const { spec } = pod;
  return [
    ...(spec.initContainers ?? []).map(
      (container): PodContainer => ({ kind: 'init', sidecar: isSidecar(container), container }),
    ),
    ...spec.containers.map((container): PodContainer => ({ kind: 'main', sidecar: false, container })),
    ...(spec.ephemeralContainers ?? []).map(
      (container: EphemeralContainer): PodContainer => ({
        kind: 'ephemeral',
        sidecar: false,
        container: container as Container,
        targetContainerName: container.targetContainerName,
      }),
    ),
  ];
}

export const findContainer = (pod: NodePod, name: string): PodContainer | undefined =>
  containersOf(pod).find((c) => c.container.name === name);

/** What `fieldPath` an event about a container carries. */
export function fieldPathOf({ kind, container }: PodContainer): string {
  const list = { init: 'initContainers', main: 'containers', ephemeral: 'ephemeralContainers' }[kind];
  return `spec.${list}{${container.name}}`;
}

const sourceAnnotation = 'kubernetes.io/config.source';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
const systemCritical = 2_000_000_000;

/** Where a pod came from: the API, or a file on this node. */
export const isStaticPod = (pod: Pod): boolean => {
  const source = pod.metadata?.annotations?.[sourceAnnotation];
  return source !== undefined && source !== 'api';
};

export const isMirrorPod = (pod: Pod): boolean => pod.metadata?.annotations?.[mirrorAnnotation] !== undefined;

export const isCriticalPod = (pod: Pod): boolean =>
  isStaticPod(pod) || isMirrorPod(pod) || (pod.spec?.priority ?? 0) >= systemCritical;

export const isHostNetwork = (pod: NodePod): boolean => pod.spec.hostNetwork === true;

/** `Failed` and `Succeeded` are for ever. */
export const isTerminalPhase = (phase: string | undefined): boolean => phase === 'Failed' || phase === 'Succeeded';

/** `name_namespace(uid)`, as upstream writes a pod in messages. */
export const podText = (pod: NodePod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
