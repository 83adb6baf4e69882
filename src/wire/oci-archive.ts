import { createHash } from 'node:crypto';
import { type TarEntry, writeTar } from './tar.ts';

export interface OciImage {
  /** Full reference, for example `knarr.io/pause:1`. */
  name: string;
  /** Go's name of the architecture; default that of this process. */
  architecture?: 'amd64' | 'arm64';
  /** The root file system, one layer. */
  files: readonly TarEntry[];
  /** Ready tar archives below `files`. */
  layers?: readonly Buffer[];
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  env?: readonly string[];
  workingDir?: string;
  user?: string;
  labels?: Readonly<Record<string, string>>;
  stopSignal?: string;
}

const goArchitecture = (): string => (process.arch === 'x64' ? 'amd64' : process.arch);

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

/**
 * An OCI image layout as one tar, as `ctr images import` takes it: every image with uncompressed layers.
 * Pure: the same images give the same bytes and digests.
 */
export function writeOciArchive(images: readonly OciImage[]): Buffer {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, data: Buffer): Blob => {
    const digest = createHash('sha256').update(data).digest('hex');
    blobs.set(digest, data);
    return { mediaType, digest: `sha256:${digest}`, size: data.length };
  };
  const addJson = (mediaType: string, value: object): Blob => add(mediaType, Buffer.from(JSON.stringify(value)));
  const manifests = images.map((image) => {
    const architecture = image.architecture ?? goArchitecture();
    const layers = [...(image.layers ?? []), writeTar(image.files)].map((tar) =>
      add('application/vnd.oci.image.layer.v1.tar', tar),
    );
    const config = addJson('application/vnd.oci.image.config.v1+json', {
      architecture,
      os: 'linux',
      config: {
        ...(image.entrypoint ? { Entrypoint: image.entrypoint } : {}),
        ...(image.cmd ? { Cmd: image.cmd } : {}),
        Env: image.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
        ...(image.workingDir ? { WorkingDir: image.workingDir } : {}),
        ...(image.user ? { User: image.user } : {}),
        ...(image.labels ? { Labels: image.labels } : {}),
        ...(image.stopSignal ? { StopSignal: image.stopSignal } : {}),
      },
      rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) },
    });
    const manifest = addJson('application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers,
    });
    return {
      ...manifest,
      platform: { architecture, os: 'linux' },
      annotations: {
        'io.containerd.image.name': image.name,
        'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
      },
    };
  });
  return writeTar([
    { type: 'file', path: 'oci-layout', data: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    {
      type: 'file',
      path: 'index.json',
      data: Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
      ),
    },
    { type: 'directory', path: 'blobs' },
    { type: 'directory', path: 'blobs/sha256' },
    ...[...blobs].map(([digest, data]): TarEntry => ({ type: 'file', path: `blobs/sha256/${digest}`, data })),
  ]);
}
