import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Secret, Volume } from '../../api/gen/core-v1.ts';
import type { ImageSpec } from '../../cri/types.ts';
import type { FieldContext } from '../pod/field-ref.ts';
import type { NodePod } from '../pod/pod.ts';

/** What volumes are made from. Getters throw `ApiError`. */
export interface VolumeSources {
  configMap(namespace: string, name: string): Promise<ConfigMap>;
  secret(namespace: string, name: string): Promise<Secret>;
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim>;
  persistentVolume(name: string): Promise<PersistentVolume>;
  token(
    pod: NodePod,
    request: { audience?: string | undefined; expirationSeconds: number; path: string },
  ): Promise<{
    token: string;
    /** When a new one is to be asked for, ms since 1970. */
    renewAt: number;
  }>;
  /** Makes an image's content available; answers what to mount. */
  image(pod: NodePod, reference: string, policy: string | undefined): Promise<ImageSpec>;
  fields(pod: NodePod): FieldContext;
  allocatable: () => Readonly<Record<string, string>>;
}

export interface VolumeContext {
  pod: NodePod;
  volume: Volume;
  /** The volume's own folder on disk. */
  folder: string;
  /** The volume's own folder in memory, for what must not reach a disk. */
  volatileFolder: string;
  sources: VolumeSources;
  nodeName: string;
  /** It was set up before by this process: what is done once per pod is done. */
  again: boolean;
}

export interface MountedVolume {
  /** Empty for an image volume. */
  hostPath: string;
  /** Whoever mounts it, it is read-only. */
  readOnly?: boolean;
  image?: ImageSpec;
  /** The content depends on API objects and time: set up again by `renewAt` (ms since 1970) at the latest. */
  renewAt?: number;
}

/** One kind of volume. `setUp` can be repeated: it brings the content up to date. */
export interface VolumePlugin {
  /** `kubernetes.io~secret`: names the folder. */
  readonly folderName: string;
  matches(volume: Volume): boolean;
  setUp(context: VolumeContext): Promise<MountedVolume>;
}
