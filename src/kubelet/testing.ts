import type { Container, PodSpec, PodStatus } from '../api/gen/core-v1.ts';
import type { ObjectMeta } from '../api/gen/meta-v1.ts';
import type { SandboxStatus } from '../cri/types.ts';
import { containerHash } from './pod/labels.ts';
import type { NodePod } from './pod/pod.ts';
import type { ContainerView, PodView } from './worker/pod-view.ts';

/** Pods and what the runtime holds of them, as short as tests want to write them. */
export function testPod(
  spec: Partial<PodSpec> = {},
  more: { metadata?: Omit<ObjectMeta, 'name' | 'namespace' | 'uid'>; status?: PodStatus } = {},
): NodePod {
  return {
    metadata: { name: 'web', namespace: 'shop', uid: 'u1', ...more.metadata },
    spec: { containers: [{ name: 'main', image: 'img' }], ...spec },
    ...(more.status ? { status: more.status } : {}),
  };
}

export function testSandbox(over: Partial<SandboxStatus> = {}): SandboxStatus {
  return {
    id: 's1',
    metadata: { name: 'web', uid: 'u1', namespace: 'shop', attempt: 0 },
    state: 'SANDBOX_READY',
    createdAt: 1e9,
    labels: {},
    annotations: {},
    runtimeHandler: '',
    network: { ip: '10.0.0.9', additionalIps: [] },
    linux: null,
    ...over,
  };
}

export function testContainer(name: string, over: Partial<ContainerView> = {}, image = 'img'): ContainerView {
  return {
    id: `${name}-id`,
    name,
    sandboxId: 's1',
    restartCount: 0,
    hash: containerHash({ name, image } as Container),
    metadata: { name, attempt: 0 },
    state: 'CONTAINER_RUNNING',
    createdAt: 2e9,
    startedAt: 3e9,
    finishedAt: 0,
    exitCode: 0,
    image: { image },
    imageRef: 'sha256:x',
    imageId: 'sha256:x',
    reason: '',
    message: '',
    labels: {},
    annotations: {},
    mounts: [],
    logPath: '',
    resources: null,
    user: null,
    stopSignal: '',
    ...over,
  };
}

export const exited = (exitCode: number): Partial<ContainerView> => ({
  state: 'CONTAINER_EXITED',
  exitCode,
  finishedAt: 4e9,
});

export const viewOf = (...containers: ContainerView[]): PodView => ({ sandboxes: [testSandbox()], containers });
