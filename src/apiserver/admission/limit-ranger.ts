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

interface Defaults {
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

/** What containers get that say nothing; of two items the later counts. */
function defaultsOf(range: LimitRange): Defaults {
  const items = (range.spec?.limits ?? []).filter(({ type }) => type === 'Container');
  return {
    requests: Object.assign({}, ...items.map((item) => item.defaultRequest)),
    limits: Object.assign({}, ...items.map((item) => item.default)),
  };
}

/** Fills a container's missing requests or limits; gives the names of what was filled, sorted. */
function fill(container: Container, kind: keyof Defaults, defaults: Defaults[keyof Defaults]): string[] {
  const own = container.resources?.[kind] ?? {};
  const missing = Object.entries(defaults).filter(([name]) => own[name] === undefined);
  if (missing.length > 0)
    container.resources = { ...container.resources, [kind]: { ...own, ...Object.fromEntries(missing) } };
  return missing.map(([name]) => name).sort();
}

const annotation = 'kubernetes.io/limit-ranger';

function fillPod(attributes: AdmissionAttributes, range: LimitRange, spec: PodSpec): boolean {
  const defaults = defaultsOf(range);
  const texts: string[] = [];
  const groups: [string, Container[]][] = [
    ['container', spec.containers],
    ['init container', spec.initContainers ?? []],
  ];
  for (const [what, containers] of groups)
    for (const container of containers) {
      const limits = fill(container, 'limits', defaults.limits);
      const requests = fill(container, 'requests', defaults.requests);
      if (requests.length > 0) texts.push(`${requests.join(', ')} request for ${what} ${container.name}`);
      if (limits.length > 0) texts.push(`${limits.join(', ')} limit for ${what} ${container.name}`);
    }
  const { object } = attributes;
  if (texts.length === 0 || !object) return false;
  object.metadata.annotations = {
    ...object.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${texts.join('; ')}`,
  };
  return true;
}

/** Pods are looked at when they are created and when they are resized; nothing on its way out is. */
const isConcerned = ({ resource, operation, subresource, oldObject }: AdmissionAttributes): boolean =>
  oldObject?.metadata.deletionTimestamp === undefined &&
  (resource !== 'pods' || operation === 'CREATE' || subresource === 'resize');

/** Defaults and bounds of what pods and claims ask for, per namespace. */
export function limitRanger(context: AdmissionContext): AdmissionPlugin {
  const ranges = async (namespace: string): Promise<LimitRange[]> =>
    (await listAll(context, { group: '', resource: 'limitranges' }, namespace)) as unknown as LimitRange[];
  return {
    name: 'LimitRanger',
    operations: ['CREATE', 'UPDATE'],
    resources: ['/pods', '/persistentvolumeclaims', '/pods/resize'],
    async mutate(attributes) {
      if (attributes.resource !== 'pods' || !isConcerned(attributes)) return false;
      let changed = false;
      for (const range of await ranges(attributes.namespace))
        if (fillPod(attributes, range, attributes.object?.spec as PodSpec)) changed = true;
      return changed;
    },
    async validate(attributes) {
      const { object, resource } = attributes;
      if (!object || !isConcerned(attributes)) return;
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
