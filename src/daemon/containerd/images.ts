import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import { createContainerRuntime } from '../../cri/runtime.ts';

/** Images of this node's containerd, by containerd's own client. */
export interface ImageStore {
  has(name: string): Promise<boolean>;
  /** Imports an OCI or Docker archive (plain, gzip or zstd), durably, and keeps its images from being collected. */
  import(archive: string): Promise<readonly string[]>;
  /** Pulls an image as for a pod (mirrors and credentials of registries.yaml), and keeps it likewise. */
  pull(name: string): Promise<void>;
}

export function createImageStore(options: { ctr: string; socket: string; root: string }): ImageStore {
  const ctr = (...args: string[]) =>
    run(options.ctr, ['--address', options.socket, '--namespace', 'k8s.io', ...args], { timeoutMs: 600_000 });
  const keep = async (name: string): Promise<void> => {
    await ctr('images', 'label', name, 'io.cri-containerd.pinned=pinned', 'io.cattle.k3s.pinned=pinned');
  };
  return {
    async has(name) {
      const { stdout } = await ctr('images', 'list', '--quiet', `name==${name}`);
      return stdout.trim() !== '';
    },
    async import(archive) {
      const names = async (): Promise<string[]> =>
        (await ctr('images', 'list', '--quiet')).stdout
          .split('\n')
          .filter((name) => name !== '' && !name.startsWith('sha256:'));
      const before = new Set(await names());
      const { stdout } = await ctr('images', 'import', '--all-platforms', archive);
      const printed = [...stdout.matchAll(/^unpacking (\S+)/gm)].map((match) => match[1] ?? '');
      const after = await names();
      const imported = [...new Set([...after.filter((n) => !before.has(n)), ...printed])].filter((n) =>
        after.includes(n),
      );
      for (const name of imported) await keep(name);
      // What was unpacked lies in memory only, while the runtime's database says already that it is there.
      await run('sync', ['--file-system', options.root]);
      return imported;
    },
    async pull(name) {
      const runtime = createContainerRuntime({ endpoint: `unix://${options.socket}` });
      try {
        const reference = await runtime.pullImage({ image: name });
        const image = await runtime.imageStatus({ image: reference });
        for (const full of image?.repoTags ?? []) await keep(full);
      } finally {
        runtime.close();
      }
    },
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
