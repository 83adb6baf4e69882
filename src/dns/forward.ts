import { type AnswerCache, cacheKey, readdress } from './cache.ts';
import { type Query, rcodeOf, rcodes } from './message.ts';
import { askTcp, askUdp, type Exchange } from './upstream.ts';

export type Transport = 'udp' | 'tcp';

export interface ForwarderOptions {
  /** Asked in this order, the one that answered last first. */
  servers: () => readonly string[];
  cache: AnswerCache;
  port?: number;
  timeoutMs?: number;
  /** Different questions under way at once; more are answered with a failure. */
  maxInFlight?: number;
  ask?: Record<Transport, (exchange: Exchange) => Promise<Buffer>>;
}

/**
 * Asks other name servers and keeps their answers. The same question asked by many at once goes out once; so one that
 * comes back to us in a circle waits for itself, and ends with its time-out, and there is no storm.
 */
export function createForwarder(options: ForwarderOptions): {
  /** The answer's bytes with the query's id; undefined when nobody answered and nothing is kept. */
  forward(query: Query, transport: Transport): Promise<Buffer | undefined>;
} {
  const { servers, cache, port = 53, timeoutMs = 2000, maxInFlight = 1000 } = options;
  const { ask = { udp: askUdp, tcp: askTcp } } = options;
  const inFlight = new Map<string, Promise<Buffer | undefined>>();
  let preferred = '';

  const askAll = async (query: Query, transport: Transport): Promise<Buffer | undefined> => {
    const list = servers();
    const order = list.includes(preferred) ? [preferred, ...list.filter((s) => s !== preferred)] : list;
    let last: Buffer | undefined;
    for (const server of order) {
      try {
        const answer = await ask[transport]({ server, port, bytes: query.bytes, timeoutMs });
        last = answer;
        // A server that cannot or will not is no reason to give up while there is another.
        if (rcodeOf(answer) === rcodes.SERVFAIL || rcodeOf(answer) === rcodes.REFUSED) continue;
        preferred = server;
        cache.put(query, transport, answer);
        return answer;
      } catch {
        // The next one.
      }
    }
    return last;
  };

  return {
    async forward(query, transport) {
      const kept = cache.get(query, transport);
      if (kept !== undefined) return kept;
      const key = cacheKey(query, transport);
      let pending = inFlight.get(key);
      if (pending === undefined) {
        if (inFlight.size >= maxInFlight) return cache.get(query, transport, true);
        pending = askAll(query, transport).finally(() => inFlight.delete(key));
        inFlight.set(key, pending);
      }
      const answer = await pending;
      if (answer === undefined || rcodeOf(answer) === rcodes.SERVFAIL) {
        const stale = cache.get(query, transport, true);
        if (stale !== undefined) return stale;
      }
      return answer && readdress(answer, query);
    },
  };
}
