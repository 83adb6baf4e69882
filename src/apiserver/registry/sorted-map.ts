/** A map whose keys are kept in order; inserts and ranges stay cheap for hundreds of thousands of keys. */
export interface SortedMap<V> {
  readonly size: number;
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** Values of keys from `start` (inclusive) to `end` (exclusive), in order. */
  range(start: string, end: string): IterableIterator<V>;
}

interface Chunk<V> {
  keys: string[];
  values: V[];
}

const chunkSize = 256;

export function createSortedMap<V>(): SortedMap<V> {
  const byKey = new Map<string, V>();
  const chunks: Chunk<V>[] = [];

  /** The chunk in which the key is or would be. */
  const chunkIndex = (key: string): number => {
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((chunks[middle]?.keys[0] ?? '') <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const insert = (key: string, value: V): void => {
    const at = chunkIndex(key);
    const chunk = chunks[at];
    if (!chunk) {
      chunks.push({ keys: [key], values: [value] });
      return;
    }
    const place = lowerBound(chunk.keys, key);
    chunk.keys.splice(place, 0, key);
    chunk.values.splice(place, 0, value);
    if (chunk.keys.length > 2 * chunkSize) {
      chunks.splice(at + 1, 0, { keys: chunk.keys.splice(chunkSize), values: chunk.values.splice(chunkSize) });
    }
  };

  return {
    get size() {
      return byKey.size;
    },
    get: (key) => byKey.get(key),
    set(key, value) {
      if (byKey.has(key)) {
        const chunk = chunks[chunkIndex(key)] as Chunk<V>;
        chunk.values[lowerBound(chunk.keys, key)] = value;
      } else {
        insert(key, value);
      }
      byKey.set(key, value);
    },
    delete(key) {
      if (!byKey.delete(key)) return;
      const at = chunkIndex(key);
      const chunk = chunks[at] as Chunk<V>;
      const place = lowerBound(chunk.keys, key);
      chunk.keys.splice(place, 1);
      chunk.values.splice(place, 1);
      if (chunk.keys.length === 0) chunks.splice(at, 1);
    },
    *range(start, end) {
      for (let at = chunkIndex(start); at < chunks.length; at++) {
        const { keys, values } = chunks[at] as Chunk<V>;
        for (let i = lowerBound(keys, start); i < keys.length; i++) {
          if ((keys[i] as string) >= end) return;
          yield values[i] as V;
        }
      }
    },
  };
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
