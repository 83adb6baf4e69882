import { rm } from 'node:fs/promises';
import type { Secret, Service } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, persistentvolumes, runtimeclasses } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { KnarrError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer } from '../../client/informer.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { ImagePuller } from '../images/puller.ts';
import type { Machine } from '../node/machine.ts';
import type { ObjectCache } from '../object-cache.ts';
import type { KubeletOptions } from '../options.ts';
import type { KubeletPaths } from '../paths.ts';
import { podDns } from '../pod/dns.ts';
import { isHostNetwork, type NodePod } from '../pod/pod.ts';
import { sandboxConfig } from '../pod/sandbox-config.ts';
import type { PodCgroups } from '../pod-cgroups.ts';
import { createPodEnvironment, exists, hostResolver } from '../pod-environment.ts';
import type { Prober } from '../probes/prober.ts';
import type { TokenSource } from '../tokens.ts';
import type { UserNamespaces } from '../user-namespaces.ts';
import { createVolumeManager, type VolumeManager } from '../volumes/manager.ts';
import type { KeyedBackoff } from './backoff.ts';
import type { PodViewReader } from './pod-view.ts';
import type { StatusSink, WorkerServices } from './services.ts';

export interface ServiceParts {
  kubelet: KubeletOptions;
  paths: KubeletPaths;
  runtime: ContainerRuntime;
  views: PodViewReader;
  objects: ObjectCache;
  services: Informer<Service>;
  prober: Prober;
  puller: ImagePuller;
  userNamespaces: UserNamespaces;
  tokens: TokenSource;
  podCgroups: PodCgroups;
  status: StatusSink;
  event: WorkerServices['event'];
  machine: Machine;
  allocatable: () => Readonly<Record<string, string>>;
  recursiveReadOnly: () => boolean;
  crashBackoff: KeyedBackoff;
  networkReady: () => boolean;
  log: Logger;
}

/** Puts together what the pod workers work with. */
export async function createWorkerServices(parts: ServiceParts): Promise<WorkerServices> {
  const { kubelet, paths, runtime, objects, userNamespaces, tokens, podCgroups, machine, allocatable } = parts;
  const { client, nodeName, nodeIPs, clusterDns, clusterDomain, podLogsDir } = kubelet;
  const appArmorEnabled = await exists('/sys/kernel/security/apparmor');
  const hugePageSizes = Object.keys(machine.hugePages).map((size) => size.replace(/i$/, 'B'));
  const resolvConf = kubelet.resolvConf ?? '/etc/resolv.conf';

  const surroundings = createPodEnvironment({
    paths,
    objects,
    volumes: () => volumes,
    services: parts.services,
    nodeName,
    hostIPs: nodeIPs,
    clusterDomain,
    allocatable,
  });

  const pullSecrets = async (pod: NodePod): Promise<Secret[]> => {
    const found = await Promise.all(
      (pod.spec.imagePullSecrets ?? []).map(({ name }) =>
        objects.secret(pod.metadata.namespace, name ?? '').catch((error: unknown) => {
          if (isApiError(error, 'NotFound')) {
            parts.event(
              pod,
              undefined,
              'Warning',
              'FailedToRetrieveImagePullSecret',
              `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`,
            );
            return undefined;
          }
          throw error;
        }),
      ),
    );
    return found.filter((s) => s !== undefined);
  };

  const handlers = new Map<string, string>();
  const runtimeHandler = async (pod: NodePod): Promise<string> => {
    const name = pod.spec.runtimeClassName;
    if (!name) return '';
    const known = handlers.get(name);
    if (known !== undefined) return known;
    const found = await client.get(runtimeclasses, name).catch((error: unknown) => {
      if (isApiError(error, 'NotFound'))
        throw new KnarrError({
          code: 'runtime-class',
          blame: 'user',
          message: `RuntimeClass ${JSON.stringify(name)} not found`,
        });
      throw error;
    });
    // A runtime class's handler never changes.
    handlers.set(name, found.handler);
    return found.handler;
  };

  const securityNode: WorkerServices['securityNode'] = (pod) => ({
    seccompRoot: paths.seccomp,
    seccompDefault: kubelet.seccompDefault,
    appArmorEnabled,
    userNamespace: userNamespaces.known(pod.metadata.uid),
    memoryCapacity: machine.memoryBytes,
    hugePageSizes,
  });

  const makeSandboxConfig: WorkerServices['sandboxConfig'] = async (pod, attempt, cgroupParent) => {
    if (!isHostNetwork(pod) && !parts.networkReady())
      throw new KnarrError({
        code: 'network-not-ready',
        blame: 'world',
        message: 'network is not ready: container runtime network not ready',
      });
    await userNamespaces.rangeOf(pod);
    const dns = podDns(pod, { clusterDns, clusterDomain, host: await hostResolver(resolvConf) });
    const node = { ...securityNode(pod), podLogsDir, clusterDomain };
    return sandboxConfig({ pod, attempt, cgroupParent, dns, node });
  };

  const volumes: VolumeManager = createVolumeManager({
    paths,
    nodeName,
    sources: {
      configMap: (namespace, name) => objects.configMap(namespace, name),
      secret: (namespace, name) => objects.secret(namespace, name),
      claim: (namespace, name) => client.get(persistentvolumeclaims, name, { namespace }),
      persistentVolume: (name) => client.get(persistentvolumes, name),
      token: (pod, request) => tokens.token(pod, request),
      fields: (pod) => {
        const known = parts.status.current(pod).podIPs ?? [];
        const ips = isHostNetwork(pod) ? nodeIPs : known.flatMap((p) => p.ip ?? []);
        return { podIPs: ips, hostIPs: nodeIPs, nodeName };
      },
      allocatable,
      async image(pod, reference, policy) {
        const { ref } = await parts.puller.ensure({
          pod,
          image: reference,
          policy,
          sandbox: await makeSandboxConfig(pod, 0, await podCgroups.ensure(pod)),
          runtimeHandler: await runtimeHandler(pod),
          secrets: () => pullSecrets(pod),
          event: (type, reason, message) => parts.event(pod, undefined, type, reason, message),
        });
        return { image: ref, userSpecifiedImage: reference };
      },
    },
  });

  return {
    runtime,
    views: parts.views,
    volumes,
    objects,
    prober: parts.prober,
    puller: parts.puller,
    crashBackoff: parts.crashBackoff,
    log: parts.log,
    event: parts.event,
    ensureCgroup: (pod) => podCgroups.ensure(pod),
    removeCgroup: (pod) => podCgroups.remove(pod),
    sandboxConfig: makeSandboxConfig,
    runtimeHandler,
    securityNode,
    environment: surroundings.environment,
    standardMounts: surroundings.standardMounts,
    pullSecrets,
    hostIPs: nodeIPs,
    recursiveReadOnly: parts.recursiveReadOnly,
    status: parts.status,
    async release(pod) {
      const { uid } = pod.metadata;
      parts.puller.forget(uid);
      parts.crashBackoff.forget(`${uid}/`);
      tokens.forget(uid);
      userNamespaces.release(uid);
      parts.views.forgetPod(uid);
      await rm(`${podLogsDir}/${pod.metadata.namespace}_${pod.metadata.name}_${uid}`, { recursive: true, force: true });
    },
    containerLogsDir: kubelet.containerLogsDir,
    now: Date.now,
  };
}
