import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { Container, Service } from '../api/gen/core-v1.ts';
import type { Informer } from '../client/informer.ts';
import type { Mount } from '../cri/types.ts';
import type { ObjectCache } from './object-cache.ts';
import type { KubeletPaths } from './paths.ts';
import { parseResolvConf, type ResolvConf } from './pod/dns.ts';
import { containerEnvironment } from './pod/environment.ts';
import { hostnameOf, hostsFile } from './pod/hostname.ts';
import { isHostNetwork, isStaticPod, type NodePod } from './pod/pod.ts';
import { serviceVariables } from './pod/service-env.ts';
import type { VolumeManager } from './volumes/manager.ts';

/** The node's resolver configuration as pods may use it: a local stub is no use to them. */
export async function hostResolver(path: string): Promise<ResolvConf> {
  const parse = async (file: string): Promise<ResolvConf> =>
    parseResolvConf(await readFile(file, 'utf8').catch(() => ''));
  const given = await parse(path);
  const stub = given.servers.length > 0 && given.servers.every((s) => s.startsWith('127.') || s === '::1');
  if (!stub) return given;
  const behind = await parse('/run/systemd/resolve/resolv.conf');
  return behind.servers.length > 0 ? behind : given;
}

/** What containers see of their surroundings: variables, hosts file, termination message file. */
export function createPodEnvironment(options: {
  paths: KubeletPaths;
  objects: ObjectCache;
  volumes: () => VolumeManager;
  services: Informer<Service>;
  nodeName: string;
  hostIPs: readonly string[];
  clusterDomain: string;
  allocatable: () => Readonly<Record<string, string>>;
}) {
  const { paths, objects, volumes, services, nodeName, hostIPs, clusterDomain, allocatable } = options;
  return {
    async environment(pod: NodePod, container: Container, podIPs: readonly string[]) {
      if (!isStaticPod(pod)) await services.synced;
      return containerEnvironment(pod, container, {
        configMap: (namespace, name) => objects.configMap(namespace, name),
        secret: (namespace, name) => objects.secret(namespace, name),
        async volumeFile(volume, path) {
          const root = volumes().hostPathOf(pod.metadata.uid, volume);
          if (!root || path.split('/').includes('..'))
            throw new Error(`cannot find the volume "${volume}" referenced by FileKeyRef`);
          return readFile(`${root}/${path}`, 'utf8');
        },
        services: serviceVariables(services.list(), pod.metadata.namespace, pod.spec.enableServiceLinks !== false),
        fields: { podIPs, hostIPs, nodeName },
        allocatable: allocatable(),
      });
    },

    async standardMounts(
      pod: NodePod,
      container: Container,
      podIPs: readonly string[],
      hasEtcHosts: boolean,
    ): Promise<Mount[]> {
      const { uid } = pod.metadata;
      const mounts: Mount[] = [];
      if (!hasEtcHosts && podIPs.length > 0) {
        const { hostname, domain } = hostnameOf(pod, clusterDomain);
        const host = isHostNetwork(pod) ? await readFile('/etc/hosts', 'utf8').catch(() => '') : undefined;
        const text = hostsFile({
          hostname,
          domain,
          podIPs,
          aliases: pod.spec.hostAliases ?? [],
          ...(host === undefined ? {} : { host }),
        });
        const file = paths.etcHosts(uid);
        await writeFile(file, text, { mode: 0o644 });
        mounts.push({ containerPath: '/etc/hosts', hostPath: file });
      }
      if (container.terminationMessagePath) {
        const folder = paths.container(uid, container.name);
        await mkdir(folder, { recursive: true, mode: 0o750 });
        const file = `${folder}/${randomBytes(4).toString('hex')}`;
        await writeFile(file, '', { mode: 0o666 });
        await chmod(file, 0o666);
        const { terminationMessagePath } = container;
        const containerPath = terminationMessagePath.startsWith('/')
          ? terminationMessagePath
          : `/${terminationMessagePath}`;
        mounts.push({ containerPath, hostPath: file });
      }
      return mounts;
    },
  };
}

export const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;
