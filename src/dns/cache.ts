import { classIn, type Query, rcodeOf, rcodes, ttlOffsets, types } from './message.ts';

interface Entry {
  bytes: Buffer;
  offsets: readonly { offset: number }[];
  storedAt: number;
  expiresAt: number;
}

/** Answers from elsewhere, as the bytes that came, with their time to live counted down. */
export interface AnswerCache {
  /** An answer made for `query` from what is kept; `stale` also gives what is past its time, for when nobody answers. */
  get(query: Query, transport: string, stale?: boolean): Buffer | undefined;
  put(query: Query, transport: string, answer: Buffer): void;
  readonly size: number;
}

const headerLength = 12;
const staleTtl = 30;

/** Makes an answer that was got for one client fit another's query: its id and its spelling of the name. */
export function readdress(answer: Buffer, query: Query): Buffer {
  const copy = Buffer.from(answer);
  copy.writeUInt16BE(query.id, 0);
  if (copy.readUInt16BE(4) === 1) query.bytes.copy(copy, headerLength, headerLength, query.questionEnd);
  return copy;
}

/** Queries that may share an answer: same question, same flags and options, only id and spelling differ. */
export function cacheKey(query: Query, transport: string): string {
  const rest = query.bytes.subarray(query.questionEnd);
  return `${transport} ${query.flags} ${query.type} ${query.name} ${rest.toString('latin1')}`;
}

export function createAnswerCache(options: {
  maxEntries?: number;
  /** Seconds; longer times to live are cut to this. */
  maxTtl?: number;
  /** How long after its time an answer may still be given when nobody answers. */
  maxStaleSeconds?: number;
  now: () => number;
}): AnswerCache {
  const { maxEntries = 10_000, maxTtl = 30, maxStaleSeconds = 3600, now } = options;
  const entries = new Map<string, Entry>();

  return {
    get size() {
      return entries.size;
    },
    get(query, transport, stale = false) {
      const key = cacheKey(query, transport);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const time = now();
      if (time >= entry.expiresAt) {
        if (time >= entry.expiresAt + maxStaleSeconds * 1000) entries.delete(key);
        else if (stale) {
          const answer = readdress(entry.bytes, query);
          for (const { offset } of entry.offsets) answer.writeUInt32BE(staleTtl, offset);
          return answer;
        }
        return undefined;
      }
      const age = Math.floor((time - entry.storedAt) / 1000);
      const answer = readdress(entry.bytes, query);
      for (const { offset } of entry.offsets)
        answer.writeUInt32BE(Math.max(0, answer.readUInt32BE(offset) - age), offset);
      // Back to the end of the line: what is asked for stays.
      entries.delete(key);
      entries.set(key, entry);
      return answer;
    },
    put(query, transport, answer) {
      const rcode = rcodeOf(answer);
      if (query.class !== classIn || (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) return;
      const offsets = ttlOffsets(answer);
      // Without any record there is nothing that says how long it holds.
      if (offsets.length === 0) return;
      const isNegative = rcode === rcodes.NXDOMAIN || offsets.every(({ type }) => type === types.SOA);
      const ttl = Math.min(maxTtl, ...offsets.map(({ offset }) => answer.readUInt32BE(offset)));
      if (ttl <= 0) return;
      const storedAt = now();
      entries.set(cacheKey(query, transport), {
        bytes: Buffer.from(answer),
        offsets,
        storedAt,
        expiresAt: storedAt + (isNegative ? Math.min(ttl, 5) : ttl) * 1000,
      });
      for (const key of entries.keys()) {
        if (entries.size <= maxEntries) break;
        entries.delete(key);
      }
    },
  };
}
