import type { Destination } from './service-rules.ts';

const keyOf = (d: Destination): string => `${d.ip ?? ''} ${d.port} ${d.protocol}`;

/**
 * Which UDP flows the kernel must forget after a change, as arguments of conntrack(8): flows to an endpoint that is
 * gone, and flows that began before there was any endpoint. TCP ends by itself; a UDP client that never pauses would
 * be sent to the old place for ever.
 */
export function staleFlows(
  family: 4 | 6,
  before: readonly Destination[],
  after: readonly Destination[],
): (readonly string[])[] {
  const now = new Map(after.map((d) => [keyOf(d), d]));
  const then = new Map(before.map((d) => [keyOf(d), d]));
  const flows: string[][] = [];
  const forget = (d: Destination, ...more: string[]): void => {
    const to = d.ip === undefined ? [] : ['--orig-dst', d.ip];
    const kind = ['-D', '-f', family === 4 ? 'ipv4' : 'ipv6', '-p', 'udp'];
    flows.push([...kind, ...to, '--orig-port-dst', String(d.port), ...more]);
  };
  for (const d of before) {
    if (d.protocol !== 'udp') continue;
    const kept = new Set(now.get(keyOf(d))?.endpoints ?? []);
    for (const endpoint of new Set(d.endpoints)) if (!kept.has(endpoint)) forget(d, '--dst-nat', endpoint);
  }
  for (const d of after)
    if (d.protocol === 'udp' && d.endpoints.length > 0 && !then.get(keyOf(d))?.endpoints.length) forget(d);
  return flows;
}
