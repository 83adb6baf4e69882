import type { ProxyEndpoint } from './endpoints.ts';

/** Which endpoints a service's traffic goes to from this node. */
export interface Choice {
  /** For traffic under policy Cluster. */
  cluster: readonly ProxyEndpoint[];
  /** For traffic under policy Local. */
  local: readonly ProxyEndpoint[];
  /** Whether there is a usable endpoint on any node. */
  any: boolean;
}

export interface Policies {
  usesCluster: boolean;
  usesLocal: boolean;
}

type Filter = (endpoint: ProxyEndpoint) => boolean;

const usable: Filter = (e) => e.ready;
const lastResort: Filter = (e) => e.serving && e.terminating;

/** Ready ones, or, when there are none, those that still serve while they end. */
function readyOrTerminating(endpoints: readonly ProxyEndpoint[]): ProxyEndpoint[] {
  const ready = endpoints.filter(usable);
  return ready.length > 0 ? ready : endpoints.filter(lastResort);
}

/**
 * The part of the ready endpoints that hints name for this node, else for its zone. Hints count only when every ready
 * endpoint has one and at least one names this place; otherwise all are taken.
 */
function hinted(ready: readonly ProxyEndpoint[], nodeName: string, zone: string): readonly ProxyEndpoint[] {
  const byHint = (hints: (e: ProxyEndpoint) => readonly string[], here: string): ProxyEndpoint[] =>
    ready.every((e) => hints(e).length > 0) ? ready.filter((e) => hints(e).includes(here)) : [];
  const here = byHint((e) => e.nodeHints, nodeName);
  if (here.length > 0) return here;
  const inZone = zone === '' ? [] : byHint((e) => e.zoneHints, zone);
  return inZone.length > 0 ? inZone : ready;
}

export function chooseEndpoints(
  endpoints: readonly ProxyEndpoint[],
  policies: Policies,
  place: { nodeName: string; zone: string },
): Choice {
  const ready = endpoints.filter(usable);
  const cluster = ready.length > 0 ? hinted(ready, place.nodeName, place.zone) : endpoints.filter(lastResort);
  const local = readyOrTerminating(endpoints.filter((e) => e.local));
  return {
    cluster: policies.usesCluster ? cluster : [],
    local: policies.usesLocal ? local : [],
    any: cluster.length > 0,
  };
}
