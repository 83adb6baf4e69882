import { lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import type { Container, Volume } from '../../api/gen/core-v1.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Mount, MountPropagation } from '../../cri/types.ts';
import { bindBelow, isMountPoint, mountsBelow, unmountBelow } from '../../host/mounts.ts';
import type { KubeletPaths } from '../paths.ts';
import { expand } from '../pod/expansion.ts';
import { containersOf, type NodePod } from '../pod/pod.ts';
import { claimPlugin, emptyDirPlugin, hostPathPlugin, imagePlugin } from './local.ts';
import { configMapPlugin, downwardApiPlugin, projectedPlugin, secretPlugin } from './projections.ts';
import type { MountedVolume, VolumePlugin, VolumeSources } from './types.ts';

const plugins: readonly VolumePlugin[] = [
  configMapPlugin,
  secretPlugin,
  projectedPlugin,
  downwardApiPlugin,
  emptyDirPlugin,
  hostPathPlugin,
  imagePlugin,
  claimPlugin,
];

/** The volumes of all pods on this node. Calls for one pod come one after another. */
export interface VolumeManager {
  /** Makes every volume that a container uses ready and its content current; throws with all that failed. */
  setUp(pod: NodePod): Promise<void>;
  /** When `setUp` is to be called again for content that ages, ms since 1970. */
  renewAt(podUid: string): number | undefined;
  /** The mounts of one container, sub-paths made safe. */
  mountsFor(pod: NodePod, container: Container, environment: ReadonlyMap<string, string>): Promise<Mount[]>;
  hostPathOf(podUid: string, volume: string): string | undefined;
  /** Unmounts and removes all that the pod has on this node's disks. */
  tearDown(podUid: string): Promise<void>;
  podsOnDisk(): Promise<string[]>;
}

const propagations: Record<string, MountPropagation> = {
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
};

const wrong = (message: string): KnarrError => new KnarrError({ code: 'volume', blame: 'user', message });

/** Volumes that no container mounts are not set up. */
function usedVolumes(pod: NodePod): Volume[] {
  const used = new Set(containersOf(pod).flatMap(({ container }) => (container.volumeMounts ?? []).map((m) => m.name)));
  return (pod.spec.volumes ?? []).filter((v) => used.has(v.name));
}

/** A volume with no source is an empty folder, as upstream has it. */
const withSource = (volume: Volume): Volume => (Object.keys(volume).length > 1 ? volume : { ...volume, emptyDir: {} });

export function createVolumeManager(options: {
  paths: KubeletPaths;
  sources: VolumeSources;
  nodeName: string;
}): VolumeManager {
  const { paths, sources, nodeName } = options;
  const mounted = new Map<string, Map<string, MountedVolume>>();

  const setUpOne = async (pod: NodePod, volume: Volume): Promise<MountedVolume> => {
    const plugin = plugins.find((p) => p.matches(volume));
    if (!plugin)
      throw wrong(
        `no volume plugin matched: ${Object.keys(volume)
          .filter((k) => k !== 'name')
          .join(', ')}`,
      );
    const { uid } = pod.metadata;
    const folder = paths.volume(uid, plugin.folderName, volume.name);
    const volatileFolder = paths.volatileVolume(uid, plugin.folderName, volume.name);
    const again = mounted.get(uid)?.has(volume.name) ?? false;
    return plugin.setUp({ pod, volume, folder, volatileFolder, sources, nodeName, again });
  };

  return {
    async setUp(pod) {
      const { uid } = pod.metadata;
      await mkdir(paths.pod(uid), { recursive: true, mode: 0o750 });
      const done = mounted.get(uid) ?? new Map<string, MountedVolume>();
      mounted.set(uid, done);
      const failures: string[] = [];
      await Promise.all(
        usedVolumes(pod).map(async (given) => {
          try {
            done.set(given.name, await setUpOne(pod, withSource(given)));
          } catch (error) {
            failures.push(`MountVolume.SetUp failed for volume "${given.name}" : ${messageOf(error)}`);
          }
        }),
      );
      if (failures.length > 0)
        throw new KnarrError({
          code: 'mount-failed',
          blame: 'user',
          message: failures.join('; '),
          details: { failures },
        });
    },
    renewAt(podUid) {
      const times = [...(mounted.get(podUid)?.values() ?? [])].flatMap((m) => m.renewAt ?? []);
      return times.length > 0 ? Math.min(...times) : undefined;
    },
    hostPathOf: (podUid, volume) => mounted.get(podUid)?.get(volume)?.hostPath,
    async mountsFor(pod, container, environment) {
      const { uid } = pod.metadata;
      const ready = mounted.get(uid);
      return Promise.all(
        (container.volumeMounts ?? []).map(async (mount, index): Promise<Mount> => {
          const volume = ready?.get(mount.name);
          if (!volume) throw wrong(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
          const subPath = mount.subPathExpr ? expand(mount.subPathExpr, environment) : (mount.subPath ?? '');
          if (mount.subPathExpr && /\$\(/.test(subPath))
            throw wrong(`subPathExpr of volume "${mount.name}" names a variable that is not set: ${mount.subPathExpr}`);
          if (subPath.startsWith('/')) throw wrong(`error SubPath \`${subPath}\` must not be an absolute path`);
          if (subPath.split('/').includes('..'))
            throw wrong(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
          const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`;
          const base: Mount = {
            containerPath,
            hostPath: volume.hostPath,
            readonly: mount.readOnly === true || volume.readOnly === true,
            propagation: propagations[mount.mountPropagation ?? ''] ?? 'PROPAGATION_PRIVATE',
            ...(mount.recursiveReadOnly === 'Enabled' ? { recursiveReadOnly: true } : {}),
          };
          if (volume.image)
            return { ...base, image: volume.image, ...(subPath === '' ? {} : { imageSubPath: subPath }) };
          if (subPath === '') return base;
          return { ...base, hostPath: await safeSubPath(pod, container.name, mount.name, volume, subPath, index) };
        }),
      );
    },
    async tearDown(podUid) {
      const folder = paths.pod(podUid);
      await unmountBelow(folder);
      if ((await mountsBelow(folder)).length > 0)
        throw new KnarrError({
          code: 'volume-busy',
          blame: 'world',
          message: `${folder}: something is still mounted there; its volumes are kept`,
        });
      await rm(folder, { recursive: true, force: true });
      await rm(`${paths.volatile}/${podUid}`, { recursive: true, force: true });
      mounted.delete(podUid);
    },
    async podsOnDisk() {
      const lists = await Promise.all([paths.pods, paths.volatile].map((d) => readdir(d).catch(() => [] as string[])));
      return [...new Set(lists.flat())];
    },
  };

  async function safeSubPath(
    pod: NodePod,
    containerName: string,
    volumeName: string,
    volume: MountedVolume,
    subPath: string,
    index: number,
  ): Promise<string> {
    const root = await realpath(volume.hostPath);
    // Made as a folder where it is missing, one step at a time so that links are seen.
    let at = root;
    for (const step of subPath.split('/').filter((s) => s !== '')) {
      const next = `${at}/${step}`;
      const info = await lstat(next).catch(() => undefined);
      if (!info) await mkdir(next, { mode: 0o750 });
      at = await realpath(next);
      if (at !== root && !at.startsWith(`${root}/`))
        throw wrong(`failed to prepare subPath for volumeMount "${volumeName}" of container "${containerName}"`);
    }
    const target = paths.subPath(pod.metadata.uid, volumeName, containerName, index);
    if (await isMountPoint(target)) await unmountBelow(target);
    await bindBelow({ root, path: at.slice(root.length), target });
    return target;
  }
}
