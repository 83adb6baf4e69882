import { createHash } from 'node:crypto';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/gen/core-v1.ts';
import type { VolumeAttachment } from '../../api/gen/storage-v1.ts';
import { isTerminal } from '../runtime/pods.ts';
import { claimsOf } from '../storage-protection/controller.ts';

/** One volume that has to be attached to a node, and the pods that want it there. */
export interface Wanted {
  readonly volume: PersistentVolume;
  readonly driver: string;
  /** As nodes report it: `kubernetes.io/csi/DRIVER^HANDLE`. */
  readonly uniqueName: string;
  readonly pods: Pod[];
}

/** The name under which upstream's attacher makes (and an external attacher finds) the attachment. */
export function attachmentName(handle: string, driver: string, node: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`;
}

/** What the pods of a node need attached, by the attachment's name. */
export function wantedOn(options: {
  node: string;
  pods: readonly Pod[];
  claim(name: string, namespace: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  /** Whether the driver wants its volumes attached at all. */
  attaches(driver: string): boolean;
}): Map<string, Wanted> {
  const result = new Map<string, Wanted>();
  for (const pod of options.pods) {
    if (isTerminal(pod)) continue;
    const { namespace = '' } = pod.metadata;
    for (const name of claimsOf(pod)) {
      const claim = options.claim(name, namespace);
      const volume = options.volume(claim?.spec?.volumeName ?? '');
      const csi = volume?.spec?.csi;
      if (!csi || claim?.status?.phase !== 'Bound' || !options.attaches(csi.driver)) continue;
      const key = attachmentName(csi.volumeHandle, csi.driver, options.node);
      const known = result.get(key);
      if (known) known.pods.push(pod);
      else {
        const uniqueName = `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`;
        result.set(key, { volume, driver: csi.driver, uniqueName, pods: [pod] });
      }
    }
  }
  return result;
}

/** Whether several nodes may have the volume at the same time. */
export const isShared = ({ spec }: PersistentVolume): boolean =>
  (spec?.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');

export const isAttached = (attachment: VolumeAttachment): boolean => attachment.status?.attached === true;
