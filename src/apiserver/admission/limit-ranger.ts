import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, PodSpec } from '../../api/gen/core-v1.ts';
import { type Amounts, amountsOf, podResources } from '../../api/pod-resources.ts';
import { compareQuantities, formatQuantity, isZeroQuantity, type Quantity } from '../../api/quantity.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, listAll, refuse } from './plugin.ts';

interface Asked {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

const entries = (list: Readonly<Record<string, string>> | undefined): [string, Quantity][] =>
  Object.entries(amountsOf(list));

function below(type: string, name: string, least: Quantity, { requests, limits }: Asked): string | undefined {
  const text = `minimum ${name} usage per ${type} is ${formatQuantity(least)}`;
  const request = requests[name];
  if (!request) return `${text}.  No request is specified`;
  if (compareQuantities(request, least) < 0) return `${text}, but request is ${formatQuantity(request)}`;
  const limit = limits[name];
  return limit && compareQuantities(limit, least) < 0 ? `${text}, but limit is ${formatQuantity(limit)}` : undefined;
}

function above(type: string, name: string, most: Quantity, { requests, limits }: Asked): string | undefined {
  const text = `maximum ${name} usage per ${type} is ${formatQuantity(most)}`;
  const limit = limits[name];
  if (!limit) return `${text}.  No limit is specified`;
  if (compareQuantities(limit, most) > 0) return `${text}, but limit is ${formatQuantity(limit)}`;
  const request = requests[name];
  return request && compareQuantities(request, most) > 0
    ? `${text}, but request is ${formatQuantity(request)}`
    : undefined;
}

function requestAbove(type: string, name: string, most: Quantity, { requests }: Asked): string | undefined {
  const text = `maximum ${name} usage per ${type} is ${formatQuantity(most)}`;
  const request = requests[name];
  if (!request) return `${text}.  No request is specified`;
  return compareQuantities(request, most) > 0 ? `${text}, but request is ${formatQuantity(request)}` : undefined;
}

function ratioAbove(type: string, name: string, most: Quantity, { requests, limits }: Asked): string | undefined {
  const text = `${name} max limit to request ratio per ${type} is ${formatQuantity(most)}`;
  const request = requests[name];
  const limit = limits[name];
  if (!request || isZeroQuantity(request)) return `${text}, but no request is specified or request is 0`;
  if (!limit || isZeroQuantity(limit)) return `${text}, but no limit is specified or limit is 0`;
  const ratio = Number(limit.nanos) / Number(request.nanos);
  return ratio > Number(most.nanos) / 1e9 ? `${text}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

function problemsOf(item: LimitRangeItem, asked: Asked): string[] {
  const type = item.type ?? '';
  return [
    ...entries(item.min).map(([name, amount]) => below(type, name, amount, asked)),
    ...entries(item.max).map(([name, amount]) => above(type, name, amount, asked)),
    ...entries(item.maxLimitRequestRatio).map(([name, amount]) => ratioAbove(type, name, amount, asked)),
  ].filter((problem) => problem !== undefined);
}

const askedBy = ({ resources }: Container): Asked => ({
  requests: amountsOf(resources?.requests),
  limits: amountsOf(resources?.limits),
});

function podProblems(range: LimitRange, spec: PodSpec): string[] {
  return (range.spec?.limits ?? []).flatMap((item) => {
    if (item.type === 'Container')
      return [...spec.containers, ...(spec.initContainers ?? [])].flatMap((c) => problemsOf(item, askedBy(c)));
    if (item.type === 'Pod')
      return problemsOf(item, { requests: podResources(spec, 'requests'), limits: podResources(spec, 'limits') });
    return [];
  });
}

function claimProblems(range: LimitRange, claim: PersistentVolumeClaim): string[] {
  const asked = { requests: amountsOf(claim.spec?.resources?.requests), limits: {} };
  return (range.spec?.limits ?? []).flatMap((item) => {
    if (item.type !== 'PersistentVolumeClaim') return [];
    return [
      ...entries(item.min).map(([name, amount]) => below('PersistentVolumeClaim', name, amount, asked)),
      ...entries(item.max).map(([name, amount]) => requestAbove('PersistentVolumeClaim', name, amount, asked)),
    ].filter((problem) => problem !== undefined);
  });
}

/** Fills a container's missing requests and limits; gives the names of what was filled. */
function fill(container: Container, item: LimitRangeItem): { requests: string[]; limits: string[] } {
  const filled = { requests: [] as string[], limits: [] as string[] };
  container.resources ??= {};
  const put = (kind: 'requests' | 'limits', defaults: Readonly<Record<string, string>> | undefined): void => {
    for (const [name, amount] of Object.entries(defaults ?? {})) {
      const resources = container.resources as NonNullable<Container['resources']>;
      if (resources[kind]?.[name] !== undefined) continue;
      resources[kind] = { ...resources[kind], [name]: amount };
      filled[kind].push(name);
    }
  };
  put('limits', item.default);
  put('requests', item.defaultRequest);
  return filled;
}

const annotation = 'kubernetes.io/limit-ranger';

function fillPod(attributes: AdmissionAttributes, range: LimitRange, spec: PodSpec): boolean {
  const texts: string[] = [];
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    const groups: [string, Container[]][] = [
      ['container', spec.containers],
      ['init container', spec.initContainers ?? []],
    ];
    for (const [what, containers] of groups)
      for (const container of containers) {
        const { requests, limits } = fill(container, item);
        if (requests.length > 0) texts.push(`${requests.sort().join(', ')} request for ${what} ${container.name}`);
        if (limits.length > 0) texts.push(`${limits.sort().join(', ')} limit for ${what} ${container.name}`);
      }
  }
  const { object } = attributes;
  if (texts.length === 0 || !object) return false;
  object.metadata.annotations = {
    ...object.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${texts.join('; ')}`,
  };
  return true;
}

/** Defaults and bounds of what pods and claims ask for, per namespace. */
export function limitRanger(context: AdmissionContext): AdmissionPlugin {
  const ranges = async (namespace: string): Promise<LimitRange[]> =>
    (await listAll(context, { group: '', resource: 'limitranges' }, namespace)) as unknown as LimitRange[];
  return {
    name: 'LimitRanger',
    operations: ['CREATE', 'UPDATE'],
    resources: ['/pods', '/persistentvolumeclaims', '/pods/resize'],
    async mutate(attributes) {
      if (attributes.resource !== 'pods' || attributes.operation !== 'CREATE') return false;
      let changed = false;
      for (const range of await ranges(attributes.namespace))
        if (fillPod(attributes, range, attributes.object?.spec as PodSpec)) changed = true;
      return changed;
    },
    async validate(attributes) {
      const { object, resource, operation, subresource } = attributes;
      if (!object || (resource === 'pods' && operation === 'UPDATE' && subresource !== 'resize')) return;
      for (const range of await ranges(attributes.namespace)) {
        const problems =
          resource === 'pods'
            ? podProblems(range, object.spec as PodSpec)
            : claimProblems(range, object as unknown as PersistentVolumeClaim);
        const unique = [...new Set(problems)];
        if (unique.length > 0)
          throw refuse(attributes, unique.length === 1 ? (unique[0] as string) : `[${unique.join(', ')}]`);
      }
    },
  };
}
