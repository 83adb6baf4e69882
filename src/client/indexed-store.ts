/** The values under which an object is filed. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects by key, with any number of named indexes kept up to date. */
export interface IndexedStore<T> {
  get(key: string): T | undefined;
  set(key: string, object: T): void;
  /** Returns what was there. */
  delete(key: string): T | undefined;
  values(): Iterable<T>;
  readonly size: number;
  addIndex(name: string, index: IndexFunction<T>): void;
  byIndex(name: string, value: string): T[];
}

interface Index<T> {
  readonly of: IndexFunction<T>;
  readonly keys: Map<string, Set<string>>;
}

export function createIndexedStore<T>(): IndexedStore<T> {
  const objects = new Map<string, T>();
  const indexes = new Map<string, Index<T>>();

  const file = (index: Index<T>, key: string, object: T): void => {
    for (const value of index.of(object)) {
      const keys = index.keys.get(value);
      if (keys) keys.add(key);
      else index.keys.set(value, new Set([key]));
    }
  };
  const unfile = (index: Index<T>, key: string, object: T): void => {
    for (const value of index.of(object)) {
      const keys = index.keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) index.keys.delete(value);
    }
  };
  const remove = (key: string): T | undefined => {
    const old = objects.get(key);
    if (old === undefined) return undefined;
    for (const index of indexes.values()) unfile(index, key, old);
    objects.delete(key);
    return old;
  };

  return {
    get: (key) => objects.get(key),
    set(key, object) {
      const old = objects.get(key);
      if (old !== undefined) for (const index of indexes.values()) unfile(index, key, old);
      objects.set(key, object);
      for (const index of indexes.values()) file(index, key, object);
    },
    delete: remove,
    values: () => objects.values(),
    get size() {
      return objects.size;
    },
    addIndex(name, of) {
      if (indexes.has(name)) return;
      const index: Index<T> = { of, keys: new Map() };
      for (const [key, object] of objects) file(index, key, object);
      indexes.set(name, index);
    },
    byIndex(name, value) {
      const index = indexes.get(name);
      if (index === undefined) throw new Error(`no index is named ${name}`);
      const found: T[] = [];
      for (const key of index.keys.get(value) ?? []) found.push(objects.get(key) as T);
      return found;
    },
  };
}
