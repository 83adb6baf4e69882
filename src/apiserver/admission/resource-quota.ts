import type { Container, Pod, PodSpec, ResourceQuota } from '../../api/gen/core-v1.ts';
import { type Amounts, amountsOf } from '../../api/pod-resources.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  isZeroQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from '../../api/quantity.ts';
import type { Devices } from '../../api/quota/devices.ts';
import { isBoundOf } from '../../api/quota/names.ts';
import { inScope, isTerminating } from '../../api/quota/scopes.ts';
import { usageOf } from '../../api/quota/usage.ts';
import { conflict, isApiError } from '../../api/status.ts';
import { serverContext } from '../bootstrap/context.ts';
import type { AdmissionAttributes, Draft } from '../registry/types.ts';
import { checkCovered, type LimitedResource } from './limited-resources.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';
import { devicesFor } from './quota-devices.ts';

const zero = parseQuantity('0');

/** Sizes that containers must state where a quota bounds them. */
const mustState = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

const listed = (names: readonly string[], amounts: Readonly<Amounts>): string =>
  [...names]
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts[name] ?? zero)}`)
    .join(',');

function states(container: Container, bound: string): boolean {
  const { requests, limits } = container.resources ?? {};
  if (bound.startsWith('limits.')) return limits?.[bound.slice('limits.'.length)] !== undefined;
  return requests?.[bound.replace('requests.', '')] !== undefined;
}

function checkStated(attributes: AdmissionAttributes, quota: ResourceQuota, bounds: readonly string[]): void {
  const { spec } = attributes.object as unknown as Pod;
  if (!spec || spec.resources?.requests || spec.resources?.limits) return;
  const texts = bounds
    .filter((bound) => mustState.includes(bound))
    .sort()
    .flatMap((bound) => {
      const silent = [...spec.containers, ...(spec.initContainers ?? [])]
        .filter((container) => !states(container, bound))
        .map((container) => container.name);
      return silent.length > 0 ? [`${bound} for: ${[...new Set(silent)].sort().join(',')}`] : [];
    });
  if (texts.length > 0)
    throw refuse(attributes, `failed quota: ${quota.metadata?.name}: must specify ${texts.join('; ')}`);
}

/** The names of a quota that limit the kind of object, when the quota applies to this one; undefined: it does not. */
function boundsOn(
  { group, resource }: AdmissionAttributes,
  object: unknown,
  quota: ResourceQuota,
  { classes }: Devices,
): string[] | undefined {
  const bounds = Object.keys(quota.status?.hard ?? {}).filter((name) => isBoundOf(group, resource, name, classes));
  return bounds.length > 0 && inScope(quota.spec, group, resource, object) ? bounds : undefined;
}

/** What the change adds of what quotas limit: never less than nothing. */
function added(usage: Amounts, before: Amounts): Amounts {
  const result: Amounts = {};
  for (const [name, amount] of Object.entries(usage)) {
    const difference = before[name] ? subtractQuantities(amount, before[name]) : amount;
    if (compareQuantities(difference, zero) > 0) result[name] = difference;
  }
  return result;
}

/** What a quota counts after the change; throws where that is more than it allows. */
function charged(attributes: AdmissionAttributes, quota: ResourceQuota, usage: Amounts): Record<string, string> {
  const hard = amountsOf(quota.status?.hard);
  const used = amountsOf(quota.status?.used);
  const names = Object.keys(usage).filter((name) => hard[name] !== undefined);
  const total = (name: string): Quantity => addQuantities(used[name] ?? zero, usage[name] as Quantity);
  const exceeded = names.filter((name) => compareQuantities(total(name), hard[name] as Quantity) > 0);
  // Of what has come to be already, the count is only brought up to date.
  if (exceeded.length > 0 && attributes.subresource !== 'status')
    throw refuse(
      attributes,
      `exceeded quota: ${quota.metadata?.name}, requested: ${listed(exceeded, usage)}, used: ${listed(exceeded, used)}, limited: ${listed(exceeded, hard)}`,
    );
  return Object.fromEntries(names.map((name) => [name, formatQuantity(total(name))]));
}

const pick = (amounts: Amounts, wanted: (name: string, amount: Quantity) => unknown): Amounts =>
  Object.fromEntries(Object.entries(amounts).filter(([name, amount]) => wanted(name, amount)));
const nonZero = (amounts: Amounts): Amounts => pick(amounts, (_name, amount) => !isZeroQuantity(amount));
const isEmpty = (amounts: Amounts): boolean => Object.keys(amounts).length === 0;

interface Charge {
  readonly quota: ResourceQuota;
  readonly usage: Amounts;
}

/** Which quotas the request is to be charged to, and what. Throws where one of them has something against it. */
function charges(
  attributes: AdmissionAttributes,
  quotas: readonly ResourceQuota[],
  limited: readonly LimitedResource[],
  devices: Devices,
): Charge[] {
  const { group, resource, object, oldObject, operation } = attributes;
  const concerned: ResourceQuota[] = [];
  const allBounds = new Set<string>();
  for (const quota of quotas) {
    const bounds = boundsOn(attributes, object, quota, devices);
    if (!bounds) continue;
    if (resource === 'pods' && group === '') checkStated(attributes, quota, bounds);
    if (bounds.some((bound) => quota.status?.used?.[bound] === undefined))
      throw refuse(
        attributes,
        `status unknown for quota: ${quota.metadata?.name}, resources: ${[...bounds].sort().join(',')}`,
      );
    concerned.push(quota);
    for (const bound of bounds) allBounds.add(bound);
  }
  if (concerned.length === 0 && limited.length === 0) return [];
  const usage = usageOf(group, resource, object, devices);
  const negative = Object.keys(usage).filter((name) => compareQuantities(usage[name] as Quantity, zero) < 0);
  if (negative.length > 0)
    throw refuse(attributes, `quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  const before = operation === 'UPDATE' && oldObject ? usageOf(group, resource, oldObject, devices) : {};
  const difference = added(usage, before);
  const all = concerned.map((quota) => {
    const counted = operation === 'UPDATE' && boundsOn(attributes, oldObject, quota, devices) !== undefined;
    return { quota, usage: counted ? difference : nonZero(usage) };
  });
  const changes = all.length === 0 ? [difference] : all.map((charge) => charge.usage);
  if (changes.every(isEmpty)) return [];
  checkCovered(attributes, limited, { quotas, bounds: allBounds, usage });
  return all
    .map((charge) => ({ ...charge, usage: pick(charge.usage, (name) => charge.quota.status?.hard?.[name]) }))
    .filter((charge) => !isEmpty(charge.usage));
}

const attempts = 5;

/** Updates of other resources change nothing that counts. */
const alsoUpdated = new Set(['/persistentvolumeclaims', '/services', 'resource.k8s.io/resourceclaims']);

/** Whether the request can change what counts. */
function matters({ operation, group, resource, subresource = '', object, oldObject }: AdmissionAttributes): boolean {
  const place = `${group}/${resource}`;
  if (place === '/namespaces' || resource === 'events') return false;
  if (place === '/pods') {
    if (subresource !== '') return subresource === 'resize' && operation === 'UPDATE';
    const specs = [object, oldObject].map((pod) => pod?.spec as PodSpec | undefined);
    return operation === 'CREATE' || isTerminating(specs[0]) !== isTerminating(specs[1]);
  }
  if (place === '/persistentvolumeclaims' && subresource === 'status') return true;
  return subresource === '' && (operation === 'CREATE' || alsoUpdated.has(place));
}

/**
 * What a namespace may use is counted before a write, in the quota's status, so that writes at the same time cannot
 * pass it together. What comes to nothing afterwards is given back by the quota controller's recount. A quota holds
 * from its controller's first count on.
 */
export function resourceQuota(context: AdmissionContext, limited: readonly LimitedResource[] = []): AdmissionPlugin {
  const write = async (attributes: AdmissionAttributes, { quota, usage }: Charge): Promise<void> => {
    const place = { namespace: attributes.namespace, name: quota.metadata?.name ?? '' };
    const store = context.registry().store('', 'resourcequotas');
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        await store.modify({ context: serverContext, place, subresource: 'status' }, (draft: Draft) => {
          const current = draft as unknown as ResourceQuota;
          const used = charged(attributes, current, usage);
          draft.status = { ...current.status, used: { ...current.status?.used, ...used } };
          return draft;
        });
        return;
      } catch (error) {
        // A quota that has gone meanwhile limits nothing.
        if (isApiError(error, 'NotFound')) return;
        if (!isApiError(error, 'Conflict')) throw error;
      }
    }
    throw conflict({ group: '', resource: 'resourcequotas' }, place.name, 'the quota is written by too many at a time');
  };

  const chargeAll = async (attributes: AdmissionAttributes, quotas: readonly ResourceQuota[]): Promise<void> => {
    const all = charges(attributes, quotas, limited, await devicesFor(context, attributes));
    // All are asked before anything is counted.
    for (const { quota, usage } of all) charged(attributes, quota, usage);
    if (attributes.context.dryRun) return;
    for (const charge of all) await write(attributes, charge);
  };

  return {
    name: 'ResourceQuota',
    operations: ['CREATE', 'UPDATE'],
    validate(attributes) {
      const { namespace, object } = attributes;
      if (namespace === '' || !object || !matters(attributes)) return undefined;
      const found = context.registry().store('', 'resourcequotas').list({ namespace });
      // Nearly every write ends here, without waiting.
      if (!(found instanceof Promise) && found.items.length === 0 && limited.length === 0) return undefined;
      return Promise.resolve(found).then(({ items }) =>
        chargeAll(
          attributes,
          items.map((item) => item.object as unknown as ResourceQuota),
        ),
      );
    },
  };
}
