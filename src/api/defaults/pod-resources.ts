import type { Container, PodSpec } from '../gen/core-v1.ts';
import { addQuantities, compareQuantities, formatQuantity } from '../quantity.ts';

type ResourceList = Record<string, string>;

/** A limit without a request is a request too. */
export function requestsFromLimits({ resources }: Container): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
}

const isHugePage = (name: string): boolean => name.startsWith('hugepages-');
const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || isHugePage(name);

function add(to: ResourceList, list: ResourceList | undefined): void {
  for (const [name, value] of Object.entries(list ?? {})) {
    const had = to[name];
    to[name] = had === undefined ? value : formatQuantity(addQuantities(had, value));
  }
}

function raise(to: ResourceList, list: ResourceList): void {
  for (const [name, value] of Object.entries(list)) {
    const had = to[name];
    if (had === undefined || compareQuantities(value, had) > 0) to[name] = value;
  }
}

/**
 * What the containers need together: the sum of those that run side by side, raised to what any init container needs
 * beside the restartable ones started before it.
 */
export function aggregate(spec: PodSpec, which: 'requests' | 'limits'): ResourceList {
  const total: ResourceList = {};
  for (const c of spec.containers ?? []) add(total, c.resources?.[which]);
  const sidecars: ResourceList = {};
  const initial: ResourceList = {};
  for (const c of spec.initContainers ?? []) {
    const own: ResourceList = { ...sidecars };
    add(own, c.resources?.[which]);
    if (c.restartPolicy === 'Always') {
      add(total, c.resources?.[which]);
      add(sidecars, c.resources?.[which]);
    }
    raise(initial, own);
  }
  raise(total, initial);
  return total;
}

/** Requests (and huge-page limits) of the pod as a whole, where it has limits of its own. */
export function defaultPodResources({ resources, ...spec }: PodSpec): void {
  if (!resources) return;
  const has = (list: ResourceList | undefined): boolean => Object.keys(list ?? {}).length > 0;
  if (has(resources.limits) || has(resources.requests)) {
    const limits: ResourceList = { ...resources.limits };
    for (const [name, value] of Object.entries(aggregate(spec, 'limits'))) {
      if (isHugePage(name) && resources.requests?.[name] === undefined) limits[name] ??= value;
    }
    if (has(limits)) resources.limits = limits;
  }
  if (!has(resources.limits)) return;
  const requests: ResourceList = { ...resources.requests };
  for (const [name, value] of Object.entries(aggregate(spec, 'requests'))) {
    if (isPodLevel(name) && !isHugePage(name)) requests[name] ??= value;
  }
  for (const [name, value] of Object.entries(resources.limits ?? {})) if (isPodLevel(name)) requests[name] ??= value;
  if (has(requests)) resources.requests = requests;
}
