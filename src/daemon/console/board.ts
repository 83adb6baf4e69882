/** What a console shows of this machine. Texts are for people; one that is not known yet is missing. */
export interface Facts {
  readonly hostname?: string;
  readonly version?: string;
  /** Version of the image in the slot that runs; the mode of this boot. */
  readonly slot?: string;
  readonly mode?: string;
  readonly role?: string;
  readonly api?: string;
  readonly node?: string;
  /** `eth0 10.0.2.15/24` */
  readonly addresses?: readonly string[];
  /** Newest last. */
  readonly events?: readonly string[];
  readonly log?: readonly string[];
}

/** Where the parts of the daemon write down what the console shows; costs nothing while nothing changes. */
export interface Board {
  readonly facts: Facts;
  set(facts: Facts): void;
  /** Puts a line behind those of `events` or `log`, and forgets the oldest. */
  add(to: 'events' | 'log', line: string): void;
  /** Called after a change; returns what takes the listener off. */
  onChange(listener: () => void): () => void;
}

const kept = 8;

export function createBoard(): Board {
  let facts: Facts = {};
  const listeners = new Set<() => void>();
  const put = (changed: Facts): void => {
    facts = { ...facts, ...changed };
    for (const listener of listeners) listener();
  };
  return {
    get facts() {
      return facts;
    },
    set(changed) {
      const differs = Object.entries(changed).some(
        ([name, value]) => JSON.stringify(facts[name as keyof Facts]) !== JSON.stringify(value),
      );
      if (differs) put(changed);
    },
    add: (to, line) => put({ [to]: [...(facts[to] ?? []), line].slice(-kept) }),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
