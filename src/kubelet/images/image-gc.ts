import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { Image } from '../../cri/types.ts';

/**
 * Images that may go, the one that was not needed for the longest time first: neither pinned nor used, and neither
 * seen for the first time nor needed since `before` (ms). Pure.
 */
function removable(
  images: readonly Image[],
  used: ReadonlySet<string>,
  times: { firstSeen: ReadonlyMap<string, number>; lastUsed: ReadonlyMap<string, number>; before: number },
): Image[] {
  const { firstSeen, lastUsed, before } = times;
  const isOld = (id: string): boolean => (firstSeen.get(id) ?? before) < before && (lastUsed.get(id) ?? 0) < before;
  return images
    .filter((i) => !i.pinned && !used.has(i.id) && isOld(i.id))
    .sort((a, b) => (lastUsed.get(a.id) ?? 0) - (lastUsed.get(b.id) ?? 0));
}

/** What is known of the runtime's images over time; upstream's `image_gc_manager.go`. */
export interface ImageCollector {
  /** Looks which images there are. Those of the first time are of before; another is new for `minAgeMs`. */
  detect(): Promise<readonly Image[]>;
  /** Removes unused images until `bytes` are freed; answers how many bytes were. */
  free(bytes: number): Promise<number>;
}

/**
 * An image has a name before it has its pin, and is there before the container that it was pulled for: so none goes
 * that came within `minAgeMs` (2 minutes upstream, `--minimum-image-ttl-duration`).
 */
export function createImageCollector(options: {
  runtime: ContainerRuntime;
  lastUsed: ReadonlyMap<string, number>;
  minAgeMs: number;
  now: () => number;
}): ImageCollector {
  const { runtime, lastUsed, minAgeMs, now } = options;
  let firstSeen: ReadonlyMap<string, number> | undefined;

  const detect = async (): Promise<readonly Image[]> => {
    const images = await runtime.listImages();
    const unknown = firstSeen === undefined ? 0 : now();
    firstSeen = new Map(images.map(({ id }) => [id, firstSeen?.get(id) ?? unknown]));
    return images;
  };

  return {
    detect,
    async free(bytes) {
      const [images, containers] = await Promise.all([detect(), runtime.listContainers()]);
      const used = new Set(containers.flatMap((c) => [c.imageId, c.imageRef, c.image.image]));
      const times = { firstSeen: firstSeen ?? new Map(), lastUsed, before: now() - minAgeMs };
      let freed = 0;
      for (const image of removable(images, used, times)) {
        if (freed >= bytes) break;
        await runtime.removeImage({ image: image.id });
        freed += image.size;
      }
      return freed;
    },
  };
}
