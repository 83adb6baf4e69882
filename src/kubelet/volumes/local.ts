import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Volume } from '../../api/gen/core-v1.ts';
import { compareQuantities, quantityValue } from '../../api/quantity.ts';
import { KnarrError, systemCode } from '../../base/errors.ts';
import { isMountPoint, mountTmpfs } from '../../host/mounts.ts';
import { podResources } from '../pod/resources.ts';
import { setGroup } from './ownership.ts';
import type { MountedVolume, VolumeContext, VolumePlugin } from './types.ts';

const wrong = (message: string): KnarrError => new KnarrError({ code: 'volume', blame: 'user', message });

async function applyGroup(context: VolumeContext, folder: string): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = context.pod.spec.securityContext ?? {};
  if (fsGroup !== undefined && !context.again) await setGroup(folder, fsGroup, fsGroupChangePolicy);
}

/** The smallest of what the volume, the pod's memory limit and the node allow. */
function memorySize(context: VolumeContext, sizeLimit: string | undefined): number {
  const limits = [sizeLimit, podResources(context.pod, 'limits').memory, context.sources.allocatable().memory];
  const given = limits.filter((l): l is string => l !== undefined && compareQuantities(l, '0') > 0);
  return given.length === 0 ? 0 : Math.min(...given.map(quantityValue));
}

export const emptyDirPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~empty-dir',
  matches: (volume) => volume.emptyDir !== undefined,
  async setUp(context) {
    const { medium = '', sizeLimit } = context.volume.emptyDir as NonNullable<Volume['emptyDir']>;
    if (medium !== '' && medium !== 'Memory') throw wrong(`storage medium ${JSON.stringify(medium)} is not supported`);
    const { folder } = context;
    const fresh = (await mkdir(folder, { recursive: true })) !== undefined;
    if (medium === 'Memory' && !(await isMountPoint(folder)))
      await mountTmpfs(folder, { sizeBytes: memorySize(context, sizeLimit), mode: 0o777 });
    if (fresh || medium === 'Memory') {
      await chmod(folder, 0o777);
      await applyGroup(context, folder);
    }
    return { hostPath: folder };
  },
};

type Check = (info: Awaited<ReturnType<typeof stat>>) => boolean;

const hostPathTypes: Record<string, { what: string; check: Check; make?: (path: string) => Promise<void> }> = {
  Directory: { what: 'a directory', check: (i) => i.isDirectory() },
  DirectoryOrCreate: {
    what: 'a directory',
    check: (i) => i.isDirectory(),
    make: async (path) => void (await mkdir(path, { recursive: true, mode: 0o755 })),
  },
  File: { what: 'a file', check: (i) => i.isFile() },
  FileOrCreate: {
    what: 'a file',
    check: (i) => i.isFile(),
    make: async (path) => (await open(path, 'a', 0o644)).close(),
  },
  Socket: { what: 'a socket file', check: (i) => i.isSocket() },
  CharDevice: { what: 'a character device', check: (i) => i.isCharacterDevice() },
  BlockDevice: { what: 'a block device', check: (i) => i.isBlockDevice() },
};

async function checkHostPath(path: string, type: string): Promise<void> {
  if (type === '') return;
  const rule = hostPathTypes[type];
  if (!rule) throw wrong(`hostPath type check failed: ${type} is an invalid volume type`);
  const failed = (): KnarrError => wrong(`hostPath type check failed: ${path} is not ${rule.what}`);
  try {
    if (!rule.check(await stat(path))) throw failed();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    if (!rule.make) throw failed();
    if (type === 'FileOrCreate') await stat(dirname(path));
    await rule.make(path);
  }
}

export const hostPathPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~host-path',
  matches: (volume) => volume.hostPath !== undefined,
  async setUp({ volume }) {
    const { path, type = '' } = volume.hostPath as NonNullable<Volume['hostPath']>;
    await checkHostPath(path, type);
    return { hostPath: path };
  },
};

export const imagePlugin: VolumePlugin = {
  folderName: 'kubernetes.io~image',
  matches: (volume) => volume.image !== undefined,
  async setUp({ pod, volume, sources }) {
    const { reference = '', pullPolicy } = volume.image as NonNullable<Volume['image']>;
    return { hostPath: '', readOnly: true, image: await sources.image(pod, reference, pullPolicy) };
  },
};

/** A claim (given, or made for the pod from its template) bound to a volume of a kind that needs no driver. */
export const claimPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~local-volume',
  matches: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
  async setUp(context): Promise<MountedVolume> {
    const { pod, volume, sources } = context;
    const { namespace } = pod.metadata;
    const given = volume.persistentVolumeClaim;
    const name = given?.claimName ?? `${pod.metadata.name}-${volume.name}`;
    const claim = await sources.claim(namespace, name);
    const where = `${namespace}/${name}`;
    if (volume.ephemeral && !claim.metadata.ownerReferences?.some((r) => r.uid === pod.metadata.uid))
      throw wrong(`PVC ${where} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
    if (claim.metadata.deletionTimestamp) throw wrong(`PVC ${where} is being deleted`);
    const volumeName = claim.spec?.volumeName;
    if (!volumeName || claim.status?.phase !== 'Bound') throw wrong(`PVC ${where} is not bound`);
    const persistent = await sources.persistentVolume(volumeName);
    if (persistent.spec?.claimRef?.uid !== claim.metadata.uid)
      throw wrong(`PV ${volumeName} is not bound to PVC ${where}`);
    const readOnly = given?.readOnly === true ? { readOnly: true } : {};
    const { local, hostPath } = persistent.spec ?? {};
    if (local) {
      const info = await stat(local.path);
      if (!info.isDirectory()) throw wrong(`local volume ${volumeName}: ${local.path} is not a directory`);
      await applyGroup(context, local.path);
      return { hostPath: local.path, ...readOnly };
    }
    if (hostPath) {
      await checkHostPath(hostPath.path, hostPath.type ?? '');
      return { hostPath: hostPath.path, ...readOnly };
    }
    const kind = Object.keys(persistent.spec ?? {}).find((key) => ['csi', 'nfs', 'iscsi', 'fc'].includes(key));
    throw wrong(`PV ${volumeName}: volumes of kind ${kind ?? 'unknown'} are not supported by this node yet`);
  },
};
