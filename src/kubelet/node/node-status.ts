import type { ContainerImage, NodeCondition, NodeStatus } from '../../api/gen/core-v1.ts';
import type { Image, RuntimeStatus } from '../../cri/types.ts';
import type { Machine, NodeResources } from './machine.ts';

export interface Pressure {
  memory: boolean;
  disk: boolean;
  pid: boolean;
}

export interface NodeFacts {
  machine: Machine;
  resources: NodeResources;
  hostname: string;
  internalIPs: readonly string[];
  externalIPs: readonly string[];
  port: number;
  version: string;
  runtime: { name: string; version: string } | undefined;
  runtimeStatus: RuntimeStatus | undefined;
  pressure: Pressure;
  images: readonly Image[];
  /** Why the node is not ready; empty when it is. */
  notReady: readonly string[];
}

const maxImages = 50;

function condition(
  type: string,
  bad: boolean,
  texts: { bad: [string, string]; good: [string, string] },
): Omit<NodeCondition, 'lastHeartbeatTime' | 'lastTransitionTime'> {
  const [reason, message] = bad ? texts.bad : texts.good;
  return { type, status: bad ? 'True' : 'False', reason, message };
}

function conditionsNow(facts: NodeFacts): Omit<NodeCondition, 'lastHeartbeatTime' | 'lastTransitionTime'>[] {
  const { pressure, notReady } = facts;
  return [
    condition('MemoryPressure', pressure.memory, {
      bad: ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      good: ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    }),
    condition('DiskPressure', pressure.disk, {
      bad: ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      good: ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    }),
    condition('PIDPressure', pressure.pid, {
      bad: ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      good: ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    }),
    notReady.length === 0
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : {
          type: 'Ready',
          status: 'False',
          reason: 'KubeletNotReady',
          message: notReady.length === 1 ? notReady[0] : `[${notReady.join(', ')}]`,
        },
  ];
}

function imageList(images: readonly Image[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.size - a.size)
    .slice(0, maxImages)
    .map((image) => ({ names: [...image.repoDigests, ...image.repoTags].slice(0, 5), sizeBytes: image.size }))
    .filter((image) => image.names.length > 0);
}

/** The node's status from the facts; times of conditions change only where their status does. */
export function nodeStatus(facts: NodeFacts, before: NodeStatus | undefined, now: string): NodeStatus {
  const { machine, runtime, runtimeStatus } = facts;
  const conditions = conditionsNow(facts).map((c): NodeCondition => {
    const old = before?.conditions?.find((o) => o.type === c.type);
    const same = old?.status === c.status && old.lastTransitionTime;
    return { ...c, lastHeartbeatTime: now, lastTransitionTime: same ? old.lastTransitionTime : now };
  });
  const handlers = (runtimeStatus?.handlers ?? []).map(({ name, features }) => ({
    name,
    features: {
      recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
      userNamespaces: features?.userNamespaces ?? false,
    },
  }));
  return {
    addresses: [
      ...facts.internalIPs.map((address) => ({ type: 'InternalIP', address })),
      ...facts.externalIPs.map((address) => ({ type: 'ExternalIP', address })),
      { type: 'Hostname', address: facts.hostname },
    ],
    capacity: facts.resources.capacity,
    allocatable: facts.resources.allocatable,
    conditions,
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: runtime ? `${runtime.name}://${runtime.version.replace(/^v/, '')}` : '',
      kubeletVersion: facts.version,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: machine.architecture,
    },
    images: imageList(facts.images),
    // The resources of a pod as a whole are not among what is resized while it runs.
    declaredFeatures: ['InPlacePodVerticalScalingInitContainers'],
    ...(handlers.length > 0 ? { runtimeHandlers: handlers } : {}),
    ...(runtimeStatus?.features
      ? { features: { supplementalGroupsPolicy: runtimeStatus.features.supplementalGroupsPolicy } }
      : {}),
  };
}
