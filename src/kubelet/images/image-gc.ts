import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { Image } from '../../cri/types.ts';

/** Images that may go, the one that was not needed for the longest time first. Pure. */
export function removable(
  images: readonly Image[],
  used: ReadonlySet<string>,
  lastUsed: ReadonlyMap<string, number>,
): Image[] {
  return images
    .filter((i) => !i.pinned && !used.has(i.id))
    .sort((a, b) => (lastUsed.get(a.id) ?? 0) - (lastUsed.get(b.id) ?? 0));
}

/** Removes unused images until `bytes` are freed; answers how many bytes were. */
export async function freeImages(options: {
  runtime: ContainerRuntime;
  lastUsed: ReadonlyMap<string, number>;
  bytes: number;
  keep: readonly string[];
}): Promise<number> {
  const { runtime, lastUsed, bytes, keep } = options;
  const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
  const named = (name: string): string[] => images.filter((i) => i.repoTags.includes(name)).map((i) => i.id);
  const used = new Set([...containers.flatMap((c) => [c.imageId, c.imageRef, c.image.image]), ...keep.flatMap(named)]);
  let freed = 0;
  for (const image of removable(images, used, lastUsed)) {
    if (freed >= bytes) break;
    await runtime.removeImage({ image: image.id });
    freed += image.size;
  }
  return freed;
}
