import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { run } from '../base/run.ts';
import { createLedger, type Ledger } from './nft-ledger.ts';
import {
  type Change,
  differenceScript,
  emptyState,
  type NftDifference,
  type NftState,
  needsReplacement,
  replacementScript,
} from './nft-script.ts';
import { watchDeletedTables } from './nft-watch.ts';
import { hostTimeoutMs, type Runner } from './tools.ts';

export interface NftChain {
  /** `type nat hook prerouting priority dstnat ;` for a base chain. */
  hook?: string;
  rules: readonly string[];
}

export interface NftSet {
  kind: 'set' | 'map';
  /** `ipv4_addr . inet_proto . inet_service : verdict` */
  type: string;
  flags?: readonly string[];
  timeoutSeconds?: number;
}

/** A part of a table. Element keys and values are in nft's syntax; a plain set's elements have an empty value. */
export interface NftFragment {
  sets?: Readonly<Record<string, NftSet>>;
  chains?: Readonly<Record<string, NftChain>>;
  elements?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * One nftables table that is ours alone. Parts of it are wished for by owners (`put`, which is cheap and sends nothing);
 * `sync` sends the differences to what is known to be applied in one transaction. The first `sync`, and one after a
 * failure, replaces the whole table in one transaction, so no packet sees a half-made table.
 */
export interface NftTable {
  /** Replaces what `owner` wishes for; undefined takes all of it back. */
  put(owner: string, fragment: NftFragment | undefined): void;
  /** Resolves when all that was wished for before the call is in the kernel; rejects when the kernel refuses it. */
  sync(): Promise<void>;
  /** Takes the table out of the kernel; wishes are kept, and a later `sync` brings it back. */
  remove(): Promise<void>;
  /** Leaves the table in the kernel and cares no more for it. */
  close(): void;
}

/** The kernel's time for one transaction grows with the square of its rules. */
const mostLinesAtOnce = 5000;

/**
 * A table of some thousand rules goes in one transaction. A larger one would take minutes: it is emptied and made in
 * the first, and filled by the others; what is not in yet is not translated for some seconds.
 */
function inPortions(lines: readonly string[]): (readonly string[])[] {
  const portions: (readonly string[])[] = [];
  for (let at = 0; at < lines.length; at += mostLinesAtOnce) portions.push(lines.slice(at, at + mostLinesAtOnce));
  return portions;
}

export interface NftTableOptions {
  family: 'ip' | 'ip6' | 'inet';
  name: string;
  comment?: string;
  log: Logger;
  runner?: Runner;
  /** Puts the table back when somebody else deletes it. Default true; false where `runner` acts somewhere else. */
  watch?: boolean;
}

const setText = ({ kind, type, flags = [], timeoutSeconds }: NftSet): string =>
  [
    `${kind}\ntype ${type} ;`,
    ...(flags.length > 0 ? [`flags ${flags.join(', ')} ;`] : []),
    ...(timeoutSeconds === undefined ? [] : [`timeout ${timeoutSeconds}s ;`]),
  ].join(' ');

function textsOf(fragment: NftFragment): NftState {
  const state = emptyState();
  for (const [name, set] of Object.entries(fragment.sets ?? {})) state.sets.set(name, setText(set));
  for (const [name, chain] of Object.entries(fragment.chains ?? {}))
    state.chains.set(name, [chain.hook ?? '', ...chain.rules].join('\n'));
  for (const [set, elements] of Object.entries(fragment.elements ?? {}))
    for (const [key, value] of Object.entries(elements)) state.elements.set(`${set}\0${key}`, value);
  return state;
}

const kinds = ['sets', 'chains', 'elements'] as const;

export function createNftTable(options: NftTableOptions): NftTable {
  const { family, name, comment = 'kept by knarr', log, runner = run, watch = true } = options;
  const table = `${family} ${name}`;
  const wanted: Record<(typeof kinds)[number], Ledger> = {
    sets: createLedger(),
    chains: createLedger(),
    elements: createLedger(),
  };
  /** What the kernel holds; undefined when that is not known. */
  let applied: NftState | undefined;
  let last: Promise<void> = Promise.resolve();
  let queued: Promise<void> | undefined;
  let unwatch: (() => void) | undefined;

  const send = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    await runner('nft', ['-f', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 4 * hostTimeoutMs });
  };

  const takeDifference = (from: NftState): NftDifference => {
    const part = (kind: (typeof kinds)[number]): Map<string, Change> => {
      const changes = new Map<string, Change>();
      for (const key of wanted[kind].dirty) {
        const change = { from: from[kind].get(key), to: wanted[kind].get(key) };
        if (change.from !== change.to) changes.set(key, change);
      }
      return changes;
    };
    return { sets: part('sets'), chains: part('chains'), elements: part('elements') };
  };

  const allWanted = (): NftState => {
    const state = emptyState();
    for (const kind of kinds)
      for (const key of wanted[kind].keys()) state[kind].set(key, wanted[kind].get(key) as string);
    return state;
  };

  const clearDirty = (): void => {
    for (const kind of kinds) wanted[kind].clearDirty();
  };

  const replace = async (): Promise<void> => {
    const state = allWanted();
    clearDirty();
    applied = undefined;
    for (const lines of inPortions(replacementScript(table, comment, state))) await send(lines);
    applied = state;
  };

  const note = (state: NftState, difference: NftDifference): void => {
    for (const kind of kinds)
      for (const [key, { to }] of difference[kind]) {
        if (to === undefined) state[kind].delete(key);
        else state[kind].set(key, to);
      }
    // Elements go with their set without being named.
    for (const [set, { to }] of difference.sets)
      if (to === undefined)
        for (const key of state.elements.keys()) if (key.startsWith(`${set}\0`)) state.elements.delete(key);
  };

  const syncNow = async (): Promise<void> => {
    if (applied === undefined) return replace();
    const difference = takeDifference(applied);
    if (needsReplacement(difference)) return replace();
    clearDirty();
    const state = applied;
    try {
      await send(differenceScript(table, difference));
    } catch (error) {
      log.warn('a change of the rules was refused, the whole table is written again', {
        table,
        error: messageOf(error),
      });
      return replace();
    }
    note(state, difference);
  };

  /** Our own replacement deletes the table too, but then it is there again. */
  const lookAfter = async (): Promise<void> => {
    if (applied === undefined) return;
    const { code } = await runner('nft', ['-t', 'list', 'table', family, name], {
      okCodes: [0, 1],
      timeoutMs: hostTimeoutMs,
    });
    if (code === 0) return;
    log.warn('the table was deleted by somebody else and is put back', { table });
    await replace();
  };

  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };

  return {
    put(owner, fragment) {
      const texts = textsOf(fragment ?? {});
      for (const kind of kinds) wanted[kind].put(owner, texts[kind]);
    },
    sync() {
      if (watch)
        unwatch ??= watchDeletedTables((deleted) => {
          if (deleted === undefined || deleted === table)
            enqueue(lookAfter).catch((error) =>
              log.error('the table could not be put back', { table, error: messageOf(error) }),
            );
        }, log);
      queued ??= enqueue(() => {
        queued = undefined;
        return syncNow();
      });
      return queued;
    },
    remove: () =>
      enqueue(async () => {
        applied = undefined;
        await send([`add table ${table}`, `delete table ${table}`]);
      }),
    close() {
      unwatch?.();
      unwatch = undefined;
    },
  };
}
