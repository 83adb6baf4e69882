import type { Kept } from './stored.ts';

/**
 * Keeps the parsed form of what was written last, because what is written often is read soon: the next change of the
 * same object starts from it. All others settle.
 */
export interface Recent {
  keep(stored: Kept): void;
}

export function createRecent(most = 256, mostBytes = 16 * 1024): Recent {
  const ring: (Kept | undefined)[] = Array.from({ length: most });
  let at = 0;
  return {
    keep(stored) {
      if (stored.bytes.length > mostBytes) {
        stored.settle();
        return;
      }
      ring[at]?.settle();
      ring[at] = stored;
      at = (at + 1) % most;
    },
  };
}
