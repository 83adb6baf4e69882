/** The watches that are being answered, so that a server that stops can end them instead of waiting for them. */
export interface OpenWatches {
  /** The returned function forgets it. After `endAll` a new one is ended at once. */
  add(end: () => void): () => void;
  endAll(): void;
}

export function createOpenWatches(): OpenWatches {
  const open = new Set<() => void>();
  let over = false;
  return {
    add(end) {
      if (over) end();
      else open.add(end);
      return () => open.delete(end);
    },
    endAll() {
      over = true;
      for (const end of [...open]) end();
      open.clear();
    },
  };
}
