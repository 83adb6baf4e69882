import { createHash } from 'node:crypto';
import type { Container, Lifecycle } from '../../api/gen/core-v1.ts';
import type { NodePod } from './pod.ts';

/** The names under which a pod's identity is written on what the runtime holds; they are upstream's. */
export const labelNames = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const annotationNames = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  preStopHandler: 'io.kubernetes.container.preStopHandler',
  ports: 'io.kubernetes.container.ports',
  /** What the container was created with; not upstream's. */
  resources: 'io.knarr.container.resources',
  podDeletionGracePeriod: 'io.kubernetes.pod.deletionGracePeriod',
  podTerminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const;

/** Changes when a running container no longer is what the pod asks for; only the image can change in place. */
export function containerHash(container: Container): string {
  const identity = JSON.stringify({ name: container.name, image: container.image ?? '' });
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

/** Changes when the container is to have other resources than before. */
export function resourcesHash(container: Container): string {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const sorted = [requests, limits].map((map) => Object.entries(map).sort());
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}

const identity = (pod: NodePod): Record<string, string> => ({
  [labelNames.podName]: pod.metadata.name,
  [labelNames.podNamespace]: pod.metadata.namespace,
  [labelNames.podUid]: pod.metadata.uid,
});

export const sandboxLabels = (pod: NodePod): Record<string, string> => ({
  ...pod.metadata.labels,
  ...identity(pod),
});

export const containerLabels = (pod: NodePod, container: Container): Record<string, string> => ({
  ...identity(pod),
  [labelNames.containerName]: container.name,
});

export function containerAnnotations(pod: NodePod, container: Container, restartCount: number): Record<string, string> {
  const { deletionGracePeriodSeconds } = pod.metadata;
  const { terminationGracePeriodSeconds } = pod.spec;
  const text = (name: string, value: unknown): Record<string, string> =>
    value === undefined ? {} : { [name]: typeof value === 'string' ? value : JSON.stringify(value) };
  return {
    [annotationNames.hash]: containerHash(container),
    [annotationNames.restartCount]: String(restartCount),
    [annotationNames.resources]: resourcesHash(container),
    [annotationNames.terminationMessagePath]: container.terminationMessagePath ?? '',
    [annotationNames.terminationMessagePolicy]: container.terminationMessagePolicy ?? '',
    ...text(annotationNames.podDeletionGracePeriod, deletionGracePeriodSeconds),
    ...text(annotationNames.podTerminationGracePeriod, terminationGracePeriodSeconds),
    ...text(annotationNames.preStopHandler, container.lifecycle?.preStop),
    ...(container.ports?.length ? text(annotationNames.ports, container.ports) : {}),
  };
}

/**
 * Enough of a container's specification to stop it properly when nobody knows its pod any more: read back from what
 * `containerAnnotations` wrote.
 */
export function restoreContainer(
  name: string,
  annotations: Readonly<Record<string, string>>,
): { container: Container; terminationGracePeriodSeconds?: number } {
  const parse = <T>(key: string): T | undefined => {
    try {
      return annotations[key] === undefined ? undefined : (JSON.parse(annotations[key]) as T);
    } catch {
      return undefined;
    }
  };
  const preStop = parse<NonNullable<Lifecycle['preStop']>>(annotationNames.preStopHandler);
  const ports = parse<NonNullable<Container['ports']>>(annotationNames.ports);
  const grace =
    parse<number>(annotationNames.podDeletionGracePeriod) ?? parse<number>(annotationNames.podTerminationGracePeriod);
  return {
    container: { name, ...(preStop ? { lifecycle: { preStop } } : {}), ...(ports ? { ports } : {}) },
    ...(typeof grace === 'number' ? { terminationGracePeriodSeconds: grace } : {}),
  };
}
