import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { KnarrError, messageOf, systemCode } from '../../../src/base/errors.ts';
import { sourceError, type UpdateSource } from './source.ts';
import { tarSource } from './tar.ts';

/** Manifests and blobs of one repository: of a registry, or of an image layout in a folder. */
export interface OciStore {
  readonly name: string;
  manifest(reference: string): Promise<unknown>;
  blob(digest: string): AsyncIterable<Uint8Array>;
}

interface Descriptor {
  mediaType?: string;
  digest: string;
  size?: number;
  platform?: { architecture?: string; os?: string };
  annotations?: Record<string, string>;
}

interface Manifest {
  mediaType?: string;
  manifests?: Descriptor[];
  layers?: Descriptor[];
}

const titleKey = 'org.opencontainers.image.title';

/** The manifest for this architecture, through as many indexes as lead there. */
async function imageManifest(store: OciStore, reference: string, arch: string): Promise<Manifest> {
  const read = async (one: string): Promise<Manifest> => {
    const manifest = (await store.manifest(one)) as Manifest | null;
    if (typeof manifest !== 'object' || manifest === null) throw sourceError(`${store.name} has no manifest at ${one}`);
    return manifest;
  };
  let manifest = await read(reference);
  for (let depth = 0; manifest.manifests !== undefined; depth++) {
    const { manifests } = manifest;
    const fitting =
      manifests.find(({ platform }) => platform?.architecture === arch) ??
      manifests.find(({ platform }) => platform?.architecture === undefined);
    if (fitting === undefined || depth > 3) throw sourceError(`${store.name} has no image for ${arch}`);
    manifest = await read(fitting.digest);
  }
  return manifest;
}

/**
 * An update as an OCI image: either each file is a layer by itself, named by its title annotation, or the files lie in
 * the image's only layer, a tar archive, which is unpacked into `scratch` first.
 */
export async function ociSource(
  store: OciStore,
  reference: string,
  options: { arch: string; scratch: string },
): Promise<UpdateSource> {
  const { layers = [] } = await imageManifest(store, reference, options.arch);
  const byTitle = new Map(layers.map((layer) => [layer.annotations?.[titleKey], layer]));
  if (byTitle.has('manifest.json'))
    return {
      name: store.name,
      open(name) {
        const layer = byTitle.get(name);
        if (layer === undefined) throw sourceError(`${store.name} holds no ${name}`);
        return store.blob(layer.digest);
      },
      close: async () => {},
    };
  const [layer] = layers;
  if (layer === undefined || layers.length !== 1)
    throw sourceError(`${store.name} is no update: it has ${layers.length} layers and none is titled manifest.json`);
  await mkdir(options.scratch, { recursive: true, mode: 0o700 });
  const path = join(options.scratch, 'layer.tar');
  await keep(told(store.name, unpacked(store.blob(layer.digest), layer.mediaType ?? '')), path);
  return tarSource(path, { name: store.name, temporary: true });
}

/** Passes bytes on; what goes wrong is told of the source. */
async function* told(name: string, data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* data;
  } catch (error) {
    throw error instanceof KnarrError ? error : sourceError(`${name}: ${messageOf(error)}`, error);
  }
}

function unpacked(blob: AsyncIterable<Uint8Array>, mediaType: string): AsyncIterable<Uint8Array> {
  if (mediaType.endsWith('gzip')) return Readable.from(blob).compose(createGunzip());
  if (mediaType.endsWith('zstd')) return Readable.from(blob).compose(createZstdDecompress());
  return blob;
}

/**
 * Writes a stream to a file; what an interrupted one left there is replaced. Throws KnarrError `no-room` for a full disk.
 */
export async function keep(data: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of data) await file.write(chunk);
  } catch (error) {
    await rm(path, { force: true });
    if (systemCode(error) !== 'ENOSPC') throw error;
    throw new KnarrError({ code: 'no-room', blame: 'world', message: `there is no room for ${path}`, cause: error });
  } finally {
    await file.close();
  }
}

const blobPath = (folder: string, digest: string): string => {
  if (!/^[a-z0-9]+:[0-9a-f]{32,}$/.test(digest)) throw sourceError(`${folder}: ${digest} is no digest`);
  return join(folder, 'blobs', digest.replace(':', '/'));
};

/** An image layout in a folder; a reference is a tag of its index, or empty for its only image. */
export const layoutStore = (folder: string): OciStore => ({
  name: folder,
  async manifest(reference) {
    try {
      if (reference.includes(':')) return JSON.parse(await readFile(blobPath(folder, reference), 'utf8'));
      const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as Manifest;
      if (reference === '') return index;
      const manifests = index.manifests?.filter(
        ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === reference,
      );
      return { ...index, manifests };
    } catch (error) {
      throw sourceError(`${folder} is no image layout that can be read: ${messageOf(error)}`, error);
    }
  },
  blob: (digest) => told(folder, createReadStream(blobPath(folder, digest), { highWaterMark: 1 << 20 })),
});
