/**
 * Who wants what: values by key, each claimed by any number of owners. Where owners disagree the oldest claim holds, so
 * that a newcomer cannot take a key away. Remembers which keys may have changed since `clearDirty`.
 */
export interface Ledger {
  /** Replaces all that `owner` claims. */
  put(owner: string, entries: ReadonlyMap<string, string>): void;
  get(key: string): string | undefined;
  keys(): Iterable<string>;
  readonly dirty: ReadonlySet<string>;
  clearDirty(): void;
}

const none: ReadonlyMap<string, string> = new Map();

export function createLedger(): Ledger {
  const owners = new Map<string, ReadonlyMap<string, string>>();
  const claims = new Map<string, Map<string, string>>();
  const dirty = new Set<string>();

  return {
    dirty,
    clearDirty: () => dirty.clear(),
    keys: () => claims.keys(),
    get: (key) => claims.get(key)?.values().next().value,
    put(owner, entries) {
      const old = owners.get(owner) ?? none;
      for (const key of old.keys()) {
        if (entries.has(key)) continue;
        const claim = claims.get(key);
        claim?.delete(owner);
        if (claim?.size === 0) claims.delete(key);
        dirty.add(key);
      }
      for (const [key, value] of entries) {
        if (old.get(key) === value) continue;
        const claim = claims.get(key);
        if (claim) claim.set(owner, value);
        else claims.set(key, new Map([[owner, value]]));
        dirty.add(key);
      }
      if (entries.size === 0) owners.delete(owner);
      else owners.set(owner, entries);
    },
  };
}
