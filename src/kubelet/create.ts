import { mkdir } from 'node:fs/promises';
import type { Pod, Service } from '../api/gen/core-v1.ts';
import { nodes, pods, services as serviceResource } from '../api/gen/resources.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import { createEventRecorder, referenceTo } from '../client/events.ts';
import { createInformer } from '../client/informer.ts';
import { createLeaseKeeper } from '../client/lease.ts';
import { createContainerRuntime } from '../cri/runtime.ts';
import { cpuWeight, createCgroups, detectCgroups } from '../host/cgroups.ts';
import { createShutdownWatch } from '../host/shutdown.ts';
import { createSliceManager, type SliceManager } from '../host/slices.ts';
import { createAdmission, resizeRefusal } from './admission.ts';
import { removeEmptyCniFiles } from './cni-leftovers.ts';
import { defaultThresholds, refusedUnderPressure, thresholdAmount } from './eviction.ts';
import { createImagePuller } from './images/puller.ts';
import { diskSpace, type Machine, type NodeResources, nodeResources, readMachine } from './node/machine.ts';
import type { NodeFacts } from './node/node-status.ts';
import { createPressureManager, type PressureManager } from './node/pressure-manager.ts';
import { createNodeReporter, type NodeReporter } from './node/reporter.ts';
import { createRuntimeHealth } from './node/runtime-health.ts';
import { nodeTemplate } from './node/template.ts';
import { createNodeShutdown, type NodeShutdown } from './node-shutdown.ts';
import { createObjectCache } from './object-cache.ts';
import type { KubeletOptions } from './options.ts';
import { kubeletPaths } from './paths.ts';
import { fieldPathOf } from './pod/pod.ts';
import { createPodCgroups, type PodCgroups } from './pod-cgroups.ts';
import { exists } from './pod-environment.ts';
import { createPodManager, type PodManager } from './pod-manager.ts';
import { createProber } from './probes/prober.ts';
import { createRuntimeEvents } from './runtime-events.ts';
import { createKubeletServer, type KubeletServer } from './server/create-server.ts';
import { createStaticPodSource } from './static-pods.ts';
import { createStatusCommitter } from './status/committer.ts';
import { createTokenSource } from './tokens.ts';
import { createUpkeep } from './upkeep.ts';
import { createUserNamespaces } from './user-namespaces.ts';
import { createKeyedBackoff } from './worker/backoff.ts';
import { createWorkerServices } from './worker/create-services.ts';
import { createPodViewReader } from './worker/pod-view.ts';
import type { WorkerServices } from './worker/services.ts';

export interface Kubelet extends Component {
  /** The port that the kubelet's TLS server is bound to; known once started. */
  readonly port: number;
  /** Takes a renewed serving certificate without closing the listener. */
  setServingCertificate(certificate: { cert: string; key: string }): void;
  /** Why the node is not ready now, or undefined when it is. */
  notReadyReason(): string | undefined;
}

export function createKubelet(options: KubeletOptions): Kubelet {
  const { client, nodeName, nodeIPs } = options;
  const log = options.log.child('kubelet');
  const paths = kubeletPaths(options.rootDir, options.volatileDir ?? '/run/knarr/kubelet');
  const runtime = createContainerRuntime({ endpoint: options.criEndpoint });
  const recorder = createEventRecorder({ client, component: 'kubelet', host: nodeName, log });
  const nodeReference = { kind: 'Node', name: nodeName, uid: nodeName };
  const nodeEvent = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    recorder.event(nodeReference, type, reason, message);

  let machine: Machine | undefined;
  let resources: NodeResources = { capacity: {}, allocatable: {} };
  let reporter: NodeReporter | undefined;
  let slices: SliceManager | undefined;
  let podCgroups: PodCgroups | undefined;
  let manager: PodManager | undefined;
  let pressureManager: PressureManager | undefined;
  let server: KubeletServer | undefined;
  let shutdown: NodeShutdown | undefined;
  const stops: (() => Promise<void> | void)[] = [];

  const health = createRuntimeHealth({ runtime, changed: () => reporter?.poke() });
  const notReady = (): string[] => {
    const more = options.notReadyReason?.();
    return [
      ...health.problems(),
      ...(more === undefined ? [] : [more]),
      ...(shutdown?.shuttingDown() ? ['node is shutting down'] : []),
    ];
  };

  const facts = async (): Promise<NodeFacts> => ({
    machine: machine as Machine,
    resources,
    hostname: options.hostname ?? nodeName,
    internalIPs: nodeIPs,
    externalIPs: options.externalIPs ?? [],
    port: server?.port ?? options.server.port,
    version: options.version,
    runtime: health.version,
    runtimeStatus: health.status,
    pressure: pressureManager?.pressure ?? { memory: false, disk: false, pid: false },
    images: await runtime.listImages().catch(() => []),
    notReady: notReady(),
  });

  const chooseDriver = async (version: 1 | 2): Promise<'systemd' | 'cgroupfs'> =>
    options.cgroups?.driver ??
    (await runtime.cgroupDriver().catch(() => undefined)) ??
    (version === 2 && (await exists('/run/systemd/system')) ? 'systemd' : 'cgroupfs');

  return {
    name: 'kubelet',
    get port() {
      return server?.port ?? options.server.port;
    },
    setServingCertificate: (certificate) => server?.setCertificate(certificate),
    notReadyReason: () => (notReady().length === 0 ? undefined : notReady().join(', ')),

    async start() {
      for (const folder of [paths.pods, paths.volatile, options.podLogsDir]) await mkdir(folder, { recursive: true });
      if (options.containerLogsDir) await mkdir(options.containerLogsDir, { recursive: true });
      const emptied = await removeEmptyCniFiles().catch((error: unknown) => {
        log.warn('what the CNI plugins remember could not be looked at', { error: messageOf(error) });
        return [];
      });
      if (emptied.length > 0) log.warn('removed empty files of the CNI plugins', { files: emptied.join(' ') });
      machine = await readMachine();
      const thresholds = options.evictionHard ?? defaultThresholds(machine.memoryBytes);
      const disk = await diskSpace(paths.root);
      resources = nodeResources({
        machine,
        diskBytes: disk.capacityBytes,
        maxPods: options.maxPods ?? 110,
        reserved: options.reserved ?? {},
        memoryThreshold: thresholdAmount(thresholds['memory.available'] ?? '0', machine.memoryBytes),
        diskThreshold: thresholdAmount(thresholds['nodefs.available'] ?? '0', disk.capacityBytes),
      });
      await health.check();
      const hierarchy = await detectCgroups();
      const driver = await chooseDriver(hierarchy.version);
      if (driver === 'systemd') slices = createSliceManager({ weightOf: cpuWeight });
      podCgroups = createPodCgroups({
        cgroups: createCgroups({ hierarchy, driver, slices }),
        root: options.cgroups?.root ?? '/',
        pidsLimit: options.podPidsLimit,
      });
      await podCgroups.prepare();
      log.info('cgroups', { version: hierarchy.version, driver });

      const services = createInformer<Service>({ client, resource: serviceResource, log });
      services.start();
      stops.push(() => services.stop());
      const podInformer = createInformer<Pod>({
        client,
        resource: pods,
        fieldSelector: `spec.nodeName=${nodeName}`,
        log,
      });
      const views = createPodViewReader(runtime);
      const wake = (uid: string, how?: { volumes?: boolean }): void => manager?.wake(uid, how);
      const objects = createObjectCache({ client, log, changed: (uid) => wake(uid, { volumes: true }) });
      stops.push(() => objects.stop());
      const event: WorkerServices['event'] = (pod, item, type, reason, message) =>
        recorder.event(referenceTo(pods, pod, item ? fieldPathOf(item) : undefined), type, reason, message);
      const prober = createProber({
        runtime,
        userAgent: 'kube-probe/1.36',
        changed: wake,
        event: (pod, name, type, reason, message) =>
          recorder.event(referenceTo(pods, pod, `spec.containers{${name}}`), type, reason, message),
      });
      const status = createStatusCommitter({ client, log, objectOf: (pod) => manager?.apiObject(pod) });
      stops.push(() => status.stop());
      const puller = createImagePuller({ runtime });
      const userNamespaces = createUserNamespaces(paths);
      const workerServices = await createWorkerServices({
        kubelet: options,
        paths,
        runtime,
        views,
        objects,
        services,
        prober,
        puller,
        userNamespaces,
        tokens: createTokenSource({ client }),
        podCgroups,
        status,
        event,
        machine,
        allocatable: () => resources.allocatable,
        recursiveReadOnly: () => health.status?.handlers.some((h) => h.features?.recursiveReadOnlyMounts) ?? false,
        crashBackoff: createKeyedBackoff({ initialMs: 10_000, maxMs: 300_000 }),
        networkReady: () => health.networkReady(),
        log,
      });
      const admit = createAdmission({
        node: () => reporter?.node,
        allocatable: () => resources.allocatable,
        allowedUnsafeSysctls: options.allowedUnsafeSysctls ?? [],
        underPressure: (pod) => (pressureManager ? refusedUnderPressure(pod, pressureManager.pressure) : undefined),
        preempt: async (pod, verdict) => {
          event(pod, undefined, 'Warning', verdict.reason, verdict.message);
          await manager?.workers.get(pod.metadata.uid)?.end(verdict, 0);
        },
      });
      manager = createPodManager({
        services: workerServices,
        client,
        admit: async (pod, others) => shutdown?.refusal() ?? (await admit(pod, others)),
        resizeRefusal: (pod, others) => resizeRefusal(pod, others, resources.allocatable),
        log,
      });
      const pods_ = manager;
      stops.push(() => pods_.stop());

      server = createKubeletServer({
        kubelet: options,
        client,
        manager,
        runtime,
        status,
        prober,
        log,
        healthy: async () => {
          await runtime.version();
        },
      });
      const serving = server;
      stops.push(() => serving.stop());
      await server.start();

      pressureManager = createPressureManager({
        runtime,
        rootDir: paths.root,
        thresholds,
        imageGc: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, ...options.imageGc },
        imagesLastUsed: puller.lastUsed,
        pods: () => [...pods_.workers.values()].filter((w) => w.stateName === 'running').map((w) => w.pod),
        evict: async (pod, verdict) => {
          event(pod, undefined, 'Warning', verdict.reason, verdict.message);
          await pods_.workers.get(pod.metadata.uid)?.end(verdict, 1);
        },
        event: nodeEvent,
        changed: () => reporter?.poke(),
        log,
      });
      const pressing = pressureManager;
      stops.push(() => pressing.stop());

      const runtimeEvents = createRuntimeEvents({
        runtime,
        changed: wake,
        health: () => void health.check(),
        log,
      });
      runtimeEvents.start();
      stops.push(() => runtimeEvents.stop());
      health.start();
      stops.push(() => health.stop());

      nodeEvent('Normal', 'Starting', 'Starting kubelet.');
      reporter = createNodeReporter({
        client,
        template: nodeTemplate(options, machine.architecture),
        facts,
        reportMs: options.nodeStatusReportMs ?? 300_000,
        event: nodeEvent,
        log,
      });
      reporter.start();
      const reporting = reporter;
      if (options.shutdown) {
        shutdown = createNodeShutdown({
          settings: options.shutdown,
          watch: createShutdownWatch(),
          pods: () =>
            [...pods_.workers.values()]
              .filter((worker) => worker.stateName === 'running')
              .map((worker) => ({ pod: worker.pod, end: (verdict, grace) => worker.end(verdict, grace) })),
          event: nodeEvent,
          changed: () => reporter?.poke(),
          log: log.child('shutdown'),
        });
        await shutdown.start();
        const waiting = shutdown;
        stops.push(() => waiting.stop());
      }
      stops.push(() => reporting.stop());
      const lease = createLeaseKeeper({
        client,
        namespace: 'kube-node-lease',
        name: nodeName,
        holder: nodeName,
        durationSeconds: options.leaseDurationSeconds ?? 40,
        owner: () => {
          const uid = reporting.node?.metadata.uid;
          return uid ? { apiVersion: 'v1', kind: nodes.kind, name: nodeName, uid } : undefined;
        },
        log,
      });
      void reporting.registered.then(() => lease.start()).catch(() => {});
      stops.push(() => lease.stop());

      podInformer.addHandler({
        add: (pod) => pods_.upsert(pod),
        update: (pod) => pods_.upsert(pod),
        delete: (pod) => pods_.gone(pod),
      });
      podInformer.start();
      stops.push(() => podInformer.stop());

      const { staticPodDir } = options;
      const statics = staticPodDir
        ? createStaticPodSource({
            folder: staticPodDir,
            nodeName,
            log,
            upsert: (pod) => pods_.upsert(pod),
            gone: (pod) => pods_.gone(pod),
          })
        : undefined;
      await statics?.start();
      if (statics) stops.push(() => statics.stop());

      const upkeep = createUpkeep({
        kubelet: options,
        runtime,
        manager: pods_,
        volumes: workerServices.volumes,
        podCgroups,
        allPodsKnown: podInformer.synced,
        node: () => reporting.node,
        log,
      });
      upkeep.start();
      stops.push(() => upkeep.stop());
      pressing.start();
    },

    async stop() {
      for (const stop of stops.reverse()) await stop();
      slices?.close();
      await recorder.flush();
      runtime.close();
    },
  };
}
