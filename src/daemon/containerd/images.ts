import { type FSWatcher, watch } from 'node:fs';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import { createContainerd } from '../../cri/containerd.ts';
import { createContainerRuntime } from '../../cri/runtime.ts';

/** Images of this node's containerd that are not a pod's business. */
export interface ImageStore {
  has(name: string): Promise<boolean>;
  /** Imports an OCI or Docker archive (plain, gzip or zstd), durably, and keeps its images from being collected. */
  import(archive: string): Promise<readonly string[]>;
  /** Pulls an image as for a pod (mirrors and credentials of registries.yaml), and keeps it likewise. */
  pull(name: string): Promise<void>;
  /** Takes away what an import left that was cut off before its images were on the disk. To be called before all else. */
  recover(): Promise<readonly string[]>;
  close(): void;
}

const pinned = { 'io.cattle.k3s.pinned': 'pinned', 'io.cri-containerd.pinned': 'pinned' };

/**
 * An image has this label while what was unpacked of it may lie in memory only: the runtime's database knows of an
 * import at once, and after a power cut its files would be empty, for ever.
 */
const unsynced = 'knarr.io/unsynced';

/** `root` is containerd's folder of persistent data. */
export function createImageStore(options: { socket: string; root: string }): ImageStore {
  const endpoint = `unix://${options.socket}`;
  const containerd = createContainerd({ endpoint });
  const settled = async (names: readonly string[], labels: Record<string, string>): Promise<void> => {
    for (const image of await containerd.listImages())
      if (names.includes(image.name)) await containerd.labelImage(image, labels);
  };
  return {
    async has(name) {
      return (await containerd.listImages()).some((image) => image.name === name);
    },
    async import(archive) {
      const file = await open(archive);
      const stream = file.createReadStream({ highWaterMark: 256 * 1024, autoClose: false });
      // An import that fails early has not read it to the end.
      const names = await containerd
        .importArchive(stream, { ...pinned, [unsynced]: 'yes' })
        .finally(() => file.close());
      await run('sync', ['--file-system', options.root]);
      await settled(names, { [unsynced]: '' });
      return names;
    },
    async pull(name) {
      const runtime = createContainerRuntime({ endpoint });
      try {
        const reference = await runtime.pullImage({ image: name });
        const image = await runtime.imageStatus({ image: reference });
        await settled(image?.repoTags ?? [], pinned);
      } finally {
        runtime.close();
      }
    },
    async recover() {
      const images = await containerd.listImages();
      const doubtful = images.filter((image) => image.labels[unsynced] !== undefined);
      const digests = doubtful.map((image) => image.target.digest);
      // The runtime keeps a name of its own for each image, which would keep what was unpacked.
      const lost = images.filter((image) => digests.includes(image.target.digest)).map((image) => image.name);
      for (const name of lost) await containerd.removeImage(name);
      return lost;
    },
    close: () => containerd.close(),
  };
}

/** Image names, one a line. */
export const namesInList = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

const isList = (name: string): boolean => name.endsWith('.txt') && !name.startsWith('.');
const isArchive = (name: string): boolean => /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/.test(name) && !name.startsWith('.');

type Seen = Record<string, { size: number; mtimeMs: number }>;

/**
 * Imports the archives that lie in `agent/images` and pulls what its lists (`*.txt`) name, from the start on and
 * whenever it changes; nobody waits for it. What was taken is remembered in `.cache.json`, so that a restart takes
 * nothing twice.
 */
export function createImageFolder(options: { folder: string; images: ImageStore; log: Logger }): Component {
  const { folder, images, log } = options;
  const cache = join(folder, '.cache.json');
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();

  const readSeen = async (): Promise<Seen> => {
    try {
      return JSON.parse(await readFile(cache, 'utf8')) as Seen;
    } catch {
      return {};
    }
  };

  const take = async (name: string): Promise<readonly string[]> => {
    const path = join(folder, name);
    if (isArchive(name)) return images.import(path);
    const names = namesInList(await readFile(path, 'utf8'));
    const failed: string[] = [];
    for (const image of names)
      await images.pull(image).catch((error: unknown) => failed.push(`${image}: ${messageOf(error)}`));
    if (failed.length > 0) throw new Error(failed.join('; '));
    return names;
  };

  const importNew = async (): Promise<void> => {
    const seen = await readSeen();
    const next: Seen = {};
    for (const name of (await readdir(folder)).sort()) {
      if (!isArchive(name) && !isList(name)) continue;
      const { size, mtimeMs } = await stat(join(folder, name));
      const known = seen[name];
      next[name] = { size, mtimeMs };
      if (known?.size === size && known.mtimeMs === mtimeMs) continue;
      try {
        const begun = performance.now();
        const imported = await take(name);
        log.info('images imported', {
          file: name,
          images: imported.join(','),
          ms: Math.round(performance.now() - begun),
        });
      } catch (error) {
        delete next[name];
        log.error('images were not imported', { file: name, error: messageOf(error) });
      }
    }
    if (JSON.stringify(seen) !== JSON.stringify(next)) await writeFileAtomic(cache, JSON.stringify(next));
  };
  const again = (): Promise<void> => {
    working = working
      .then(importNew)
      .catch((error: unknown) => log.error('the images folder cannot be read', { error: messageOf(error) }));
    return working;
  };

  return {
    name: 'images',
    async start() {
      await mkdir(folder, { recursive: true });
      void again();
      // A file that is being written is looked at when it has been quiet for a while.
      watcher = watch(folder, (_event, name) => {
        if (name === null || name.startsWith('.')) return;
        clearTimeout(timer);
        timer = setTimeout(() => void again(), 2_000);
      });
      watcher.on('error', (error) => log.warn('the images folder is no longer watched', { error: messageOf(error) }));
    },
    async stop() {
      clearTimeout(timer);
      watcher?.close();
      await working;
    },
  };
}
