import { sameValue } from '../../api/equal.ts';
import type { AdmissionAttributes, Draft } from '../registry/types.ts';

interface Memory {
  /** Those that want to see what others make of the object, and have been asked. */
  readonly waiting: Set<string>;
  /** Those that are to be asked again. */
  readonly again: Set<string>;
  last: Draft | undefined;
}

/** One plug-in's part in the rounds of mutating admission: which of its hooks are asked, and in the second again. */
export interface Round {
  /** Whether the hook is to be asked in this round. */
  asks(id: string): boolean;
  /** The hook has been asked. `changed`: it has altered the object; `wantsMore`: it is to see what others make of it. */
  asked(id: string, result: { changed: boolean; wantsMore: boolean }): void;
  /** No more hooks. `dirty`: the object has been made anew, so that even the last ones are to see it again. */
  end(dirty?: boolean): void;
}

/**
 * Begins a plug-in's part. Where a hook alters the object, the whole chain has a second round, in which those hooks are
 * asked again that wanted to see what came after them. Upstream: `admission/reinvocation.go`.
 */
export function beginRound(plugin: string, a: AdmissionAttributes): Round {
  a.rounds ??= { isSecond: false, another: false, memory: new Map() };
  const { rounds } = a;
  const memory = (rounds.memory.get(plugin) as Memory | undefined) ?? newMemory();
  rounds.memory.set(plugin, memory);
  const again = (): void => {
    for (const id of memory.waiting) memory.again.add(id);
    memory.waiting.clear();
  };
  // Others have altered the object since.
  if (rounds.isSecond && !sameValue(memory.last, a.object)) again();
  return {
    asks: (id) => !rounds.isSecond || memory.again.has(id),
    asked(id, { changed, wantsMore }) {
      if (changed) {
        again();
        rounds.another = true;
      }
      if (wantsMore) memory.waiting.add(id);
    },
    end(dirty = false) {
      if (dirty) {
        again();
        rounds.another = true;
      }
      memory.last = a.object && structuredClone(a.object);
    },
  };
}

const newMemory = (): Memory => ({ waiting: new Set(), again: new Set(), last: undefined });
