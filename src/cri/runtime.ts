import { createChannel, isCriNotFound, isCriUnimplemented } from './channel.ts';
import type {
  AuthConfig,
  Container,
  ContainerConfig,
  ContainerEvent,
  ContainerStats,
  ContainerStatus,
  FilesystemUsage,
  Image,
  ImageSpec,
  LinuxResources,
  RuntimeStatus,
  Sandbox,
  SandboxConfig,
  SandboxStats,
  SandboxStatus,
} from './types.ts';

/**
 * The container runtime as the node sees it. Methods reject with `KnarrError` of code `cri-…` (see `channel.ts`);
 * stopping and removing what is not there succeeds, as the interface demands of runtimes.
 */
export interface ContainerRuntime {
  version(): Promise<{ name: string; version: string; apiVersion: string }>;
  status(): Promise<RuntimeStatus>;
  /** Undefined when the runtime cannot say (containerd before 2.0). */
  cgroupDriver(): Promise<'systemd' | 'cgroupfs' | undefined>;

  runSandbox(config: SandboxConfig, runtimeHandler: string): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  /** Undefined when there is none. */
  sandboxStatus(id: string): Promise<SandboxStatus | undefined>;
  listSandboxes(filter?: { podUid?: string }): Promise<Sandbox[]>;

  createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Resolves when the container has ended; after `graceSeconds` it is killed. */
  stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<ContainerStatus | undefined>;
  listContainers(filter?: { podUid?: string }): Promise<Container[]>;
  updateContainerResources(id: string, linux: LinuxResources): Promise<void>;
  reopenLog(id: string): Promise<void>;

  /** `timeoutSeconds` 0 means no limit; a command that outlives it rejects with `cri-deadline-exceeded`. */
  execSync(id: string, command: string[], timeoutSeconds: number): Promise<ExecResult>;
  /** These three answer the URL of the runtime's streaming server. */
  execUrl(request: ExecRequest): Promise<string>;
  attachUrl(request: AttachRequest): Promise<string>;
  portForwardUrl(sandboxId: string, ports: number[]): Promise<string>;

  listContainerStats(): Promise<ContainerStats[]>;
  containerStats(id: string): Promise<ContainerStats | undefined>;
  listSandboxStats(): Promise<SandboxStats[]>;

  listImages(): Promise<Image[]>;
  imageStatus(image: ImageSpec): Promise<Image | undefined>;
  /** Resolves with the reference to hand to `createContainer`. */
  pullImage(image: ImageSpec, auth?: AuthConfig, sandbox?: SandboxConfig, signal?: AbortSignal): Promise<string>;
  removeImage(image: ImageSpec): Promise<void>;
  imageFilesystems(): Promise<{ images: FilesystemUsage[]; containers: FilesystemUsage[] }>;

  /** Ends when `signal` aborts; rejects when the runtime goes away. */
  events(signal: AbortSignal): AsyncIterable<ContainerEvent>;
  close(): void;
}

export interface ExecResult {
  stdout: Buffer;
  stderr: Buffer;
  exitCode: number;
}

export interface AttachRequest {
  containerId: string;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

export interface ExecRequest extends AttachRequest {
  cmd: string[];
}

const podUidLabel = 'io.kubernetes.pod.uid';
const byPod = (filter?: { podUid?: string }): object =>
  filter?.podUid === undefined ? {} : { filter: { labelSelector: { [podUidLabel]: filter.podUid } } };

/** `endpoint` is a socket's path, with or without `unix://`. Nothing is connected before the first call. */
export function createContainerRuntime(options: { endpoint: string }): ContainerRuntime {
  const channel = createChannel(options.endpoint.replace(/^unix:(\/\/)?/, ''));
  const runtime = <T>(method: string, request: object = {}, call: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    channel.unary('RuntimeService', method, request, call) as Promise<T>;
  const images = <T>(method: string, request: object = {}, call: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    channel.unary('ImageService', method, request, call) as Promise<T>;
  const orUndefined = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (isCriNotFound(error)) return undefined;
      throw error;
    }
  };
  const gone = async (work: Promise<unknown>): Promise<void> => {
    await orUndefined(work);
  };

  return {
    async version() {
      const answer = await runtime<{ runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }>(
        'Version',
        {},
        { timeoutMs: 5000 },
      );
      return { name: answer.runtimeName, version: answer.runtimeVersion, apiVersion: answer.runtimeApiVersion };
    },
    async status() {
      const answer = await runtime<{
        status: { conditions: RuntimeStatus['conditions'] } | null;
        runtimeHandlers: RuntimeStatus['handlers'];
        features: RuntimeStatus['features'];
      }>('Status', {}, { timeoutMs: 10_000 });
      return {
        conditions: answer.status?.conditions ?? [],
        handlers: answer.runtimeHandlers,
        features: answer.features,
      };
    },
    async cgroupDriver() {
      try {
        const answer = await runtime<{ linux: { cgroupDriver: string } | null }>('RuntimeConfig');
        return answer.linux === null ? undefined : answer.linux.cgroupDriver === 'SYSTEMD' ? 'systemd' : 'cgroupfs';
      } catch (error) {
        if (isCriUnimplemented(error)) return undefined;
        throw error;
      }
    },

    async runSandbox(config, runtimeHandler) {
      const answer = await runtime<{ podSandboxId: string }>(
        'RunPodSandbox',
        { config, runtimeHandler },
        { timeoutMs: 240_000 },
      );
      return answer.podSandboxId;
    },
    stopSandbox: (id) => gone(runtime('StopPodSandbox', { podSandboxId: id })),
    removeSandbox: (id) => gone(runtime('RemovePodSandbox', { podSandboxId: id })),
    async sandboxStatus(id) {
      const answer = await orUndefined(runtime<{ status: SandboxStatus }>('PodSandboxStatus', { podSandboxId: id }));
      return answer?.status;
    },
    async listSandboxes(filter) {
      return (await runtime<{ items: Sandbox[] }>('ListPodSandbox', byPod(filter))).items;
    },

    async createContainer(sandboxId, config, sandboxConfig) {
      const answer = await runtime<{ containerId: string }>('CreateContainer', {
        podSandboxId: sandboxId,
        config,
        sandboxConfig,
      });
      return answer.containerId;
    },
    startContainer: async (id) => void (await runtime('StartContainer', { containerId: id })),
    stopContainer: (id, graceSeconds, signal) =>
      gone(
        runtime(
          'StopContainer',
          { containerId: id, timeout: graceSeconds },
          { timeoutMs: graceSeconds * 1000 + 120_000, ...(signal ? { signal } : {}) },
        ),
      ),
    removeContainer: (id) => gone(runtime('RemoveContainer', { containerId: id })),
    async containerStatus(id) {
      return (await orUndefined(runtime<{ status: ContainerStatus }>('ContainerStatus', { containerId: id })))?.status;
    },
    async listContainers(filter) {
      return (await runtime<{ containers: Container[] }>('ListContainers', byPod(filter))).containers;
    },
    updateContainerResources: async (id, linux) =>
      void (await runtime('UpdateContainerResources', { containerId: id, linux })),
    reopenLog: async (id) => void (await runtime('ReopenContainerLog', { containerId: id })),

    execSync: (id, command, timeoutSeconds) =>
      runtime<ExecResult>(
        'ExecSync',
        { containerId: id, cmd: command, timeout: timeoutSeconds },
        { timeoutMs: timeoutSeconds === 0 ? Number.POSITIVE_INFINITY : timeoutSeconds * 1000 + 10_000 },
      ),
    execUrl: async (request) => (await runtime<{ url: string }>('Exec', request)).url,
    attachUrl: async (request) => (await runtime<{ url: string }>('Attach', request)).url,
    portForwardUrl: async (sandboxId, ports) =>
      (await runtime<{ url: string }>('PortForward', { podSandboxId: sandboxId, port: ports })).url,

    listContainerStats: async () => (await runtime<{ stats: ContainerStats[] }>('ListContainerStats')).stats,
    containerStats: async (id) =>
      (await orUndefined(runtime<{ stats: ContainerStats }>('ContainerStats', { containerId: id })))?.stats,
    listSandboxStats: async () => (await runtime<{ stats: SandboxStats[] }>('ListPodSandboxStats')).stats,

    listImages: async () => (await images<{ images: Image[] }>('ListImages')).images,
    async imageStatus(image) {
      const answer = await images<{ image: Image | null }>('ImageStatus', { image });
      return answer.image ?? undefined;
    },
    async pullImage(image, auth, sandbox, signal) {
      const answer = await images<{ imageRef: string }>(
        'PullImage',
        { image, ...(auth ? { auth } : {}), ...(sandbox ? { sandboxConfig: sandbox } : {}) },
        { timeoutMs: Number.POSITIVE_INFINITY, ...(signal ? { signal } : {}) },
      );
      return answer.imageRef;
    },
    removeImage: (image) => gone(images('RemoveImage', { image })),
    async imageFilesystems() {
      const answer = await images<{ imageFilesystems: FilesystemUsage[]; containerFilesystems: FilesystemUsage[] }>(
        'ImageFsInfo',
      );
      return { images: answer.imageFilesystems, containers: answer.containerFilesystems };
    },

    events: (signal) =>
      channel.stream('RuntimeService', 'GetContainerEvents', {}, signal) as AsyncIterable<ContainerEvent>,
    close: () => channel.close(),
  };
}
