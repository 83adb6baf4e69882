import type { ContainerState, ContainerStatus } from '../../api/gen/core-v1.ts';
import { timeText } from '../../api/literals.ts';
import type { ContainerKind, NodePod, PodContainer } from '../pod/pod.ts';
import { shouldRestart } from '../pod/restart-policy.ts';
import { type ContainerView, newest, type PodView } from '../worker/pod-view.ts';

/** Why a container could not be started the last time that it was tried. */
export interface StartFailure {
  reason: string;
  message: string;
}

const textOf = (nanoseconds: number): string => timeText(new Date(Math.floor(nanoseconds / 1e9) * 1000));

const runtimePrefix = 'containerd://';

function stateOf(view: ContainerView): ContainerState {
  switch (view.state) {
    case 'CONTAINER_RUNNING':
      return { running: { startedAt: textOf(view.startedAt) } };
    case 'CONTAINER_EXITED':
      return {
        terminated: {
          exitCode: view.exitCode,
          reason: view.reason || (view.exitCode === 0 ? 'Completed' : 'Error'),
          ...(view.message === '' ? {} : { message: view.message }),
          startedAt: view.startedAt > 0 ? textOf(view.startedAt) : textOf(view.createdAt),
          finishedAt: textOf(view.finishedAt),
          containerID: runtimePrefix + view.id,
        },
      };
    case 'CONTAINER_UNKNOWN':
      return {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          containerID: runtimePrefix + view.id,
        },
      };
    default:
      return { waiting: {} };
  }
}

/** Whether the kubelet will start the container (again) when it may. */
export function wantsStart(pod: NodePod, item: PodContainer, view: PodView, deleting: boolean): boolean {
  if (deleting) return false;
  const current = newest(view, item.container.name);
  if (!current) return true;
  if (current.state === 'CONTAINER_RUNNING') return false;
  if (item.kind === 'ephemeral') return false;
  if (current.state !== 'CONTAINER_EXITED') return true;
  return shouldRestart(item.container, pod.spec, current.exitCode, item.kind === 'init');
}

const user = (view: ContainerView): Pick<ContainerStatus, 'user'> => {
  const linux = view.user?.linux;
  return linux
    ? { user: { linux: { uid: linux.uid, gid: linux.gid, supplementalGroups: linux.supplementalGroups } } }
    : {};
};

/**
 * The statuses of one kind of containers, without `ready` and `started` (the probes decide these), after upstream's
 * `convertToAPIContainerStatuses`.
 */
export function containerStatuses(options: {
  pod: NodePod;
  kind: ContainerKind;
  items: readonly PodContainer[];
  view: PodView;
  previous: readonly ContainerStatus[];
  failures: ReadonlyMap<string, StartFailure>;
  deleting: boolean;
  /** The container's volumes mounted read-only recursively; the others that are read-only say Disabled. */
  recursiveReadOnly: boolean;
}): ContainerStatus[] {
  const { pod, kind, items, view, failures, deleting } = options;
  const mainCreated = pod.spec.containers.some((c) => newest(view, c.name));
  const creating = pod.spec.initContainers?.length && kind === 'main' ? 'PodInitializing' : 'ContainerCreating';
  const waitingReason = kind === 'init' ? 'PodInitializing' : creating;

  const statuses = items.map((item): ContainerStatus => {
    const { container } = item;
    const old = options.previous.find((s) => s.name === container.name);
    const [current, before] = view.containers.filter((c) => c.name === container.name);
    const mounts = (container.volumeMounts ?? []).map((m) => ({
      name: m.name,
      mountPath: m.mountPath,
      ...(m.readOnly
        ? {
            readOnly: true,
            recursiveReadOnly:
              m.recursiveReadOnly && m.recursiveReadOnly !== 'Disabled' && options.recursiveReadOnly
                ? 'Enabled'
                : 'Disabled',
          }
        : {}),
    }));
    const base: ContainerStatus = {
      name: container.name,
      image: container.image ?? '',
      imageID: '',
      ready: false,
      restartCount: old?.restartCount ?? 0,
      state: { waiting: { reason: waitingReason } },
      ...(old?.lastState && Object.keys(old.lastState).length > 0 ? { lastState: old.lastState } : { lastState: {} }),
      ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
    };
    let status = base;
    if (current) {
      status = {
        ...base,
        image: current.image?.userSpecifiedImage || current.image?.image || base.image,
        imageID: current.imageRef || current.imageId,
        containerID: runtimePrefix + current.id,
        restartCount: current.restartCount,
        state: stateOf(current),
        lastState: before ? stateOf(before) : (base.lastState ?? {}),
        ...user(current),
        ...(current.stopSignal && current.stopSignal !== 'RUNTIME_DEFAULT' ? { stopSignal: current.stopSignal } : {}),
        ...(container.resources && Object.keys(container.resources).length > 0
          ? {
              resources: container.resources,
              ...(container.resources.requests ? { allocatedResources: container.resources.requests } : {}),
            }
          : { resources: {} }),
      };
    } else if (old?.state?.terminated) {
      status = old;
    } else if (old?.state?.running && !old.lastState?.terminated) {
      status.lastState = {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was deleted.  The container used to be Running',
        },
      };
      if (!deleting) status.restartCount++;
    }
    if (kind === 'init') {
      if (current?.state === 'CONTAINER_EXITED' && current.exitCode === 0 && !item.sidecar) return status;
      if (!current && mainCreated && !item.sidecar && status.state?.waiting)
        return {
          ...status,
          state: {
            terminated: {
              exitCode: 0,
              reason: 'Completed',
              message:
                'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally',
            },
          },
        };
    }
    const failure = failures.get(container.name);
    if (!failure || !wantsStart(pod, item, view, deleting)) return status;
    return {
      ...status,
      ...(status.state?.terminated ? { lastState: status.state } : {}),
      state: { waiting: { reason: failure.reason, ...(failure.message ? { message: failure.message } : {}) } },
    };
  });
  return kind === 'init' ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
}
