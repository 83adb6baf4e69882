import type { Container, Pod, ResourceQuota } from '../../api/gen/core-v1.ts';
import { type Amounts, amountsOf } from '../../api/pod-resources.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from '../../api/quantity.ts';
import { boundsFor, inScope, usageOf } from '../../api/quota.ts';
import { conflict, isApiError } from '../../api/status.ts';
import { serverContext } from '../bootstrap/context.ts';
import type { AdmissionAttributes, Draft } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';

const zero = parseQuantity('0');

/** Sizes that containers must state where a quota bounds them. */
const mustState = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

const listed = (names: readonly string[], amounts: Readonly<Record<string, Quantity>>): string =>
  [...names]
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts[name] ?? zero)}`)
    .join(',');

function states(container: Container, bound: string): boolean {
  const { requests, limits } = container.resources ?? {};
  if (bound.startsWith('limits.')) return limits?.[bound.slice('limits.'.length)] !== undefined;
  return requests?.[bound.replace('requests.', '')] !== undefined;
}

function checkStated(attributes: AdmissionAttributes, quota: ResourceQuota, pod: Pod): void {
  if (!pod.spec || pod.spec.resources?.requests || pod.spec.resources?.limits) return;
  const texts = Object.keys(quota.spec?.hard ?? {})
    .filter((bound) => mustState.includes(bound))
    .sort()
    .flatMap((bound) => {
      const silent = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
        .filter((container) => !states(container, bound))
        .map((container) => container.name);
      return silent.length > 0 ? [`${bound} for: ${[...new Set(silent)].sort().join(',')}`] : [];
    });
  if (texts.length > 0)
    throw refuse(attributes, `failed quota: ${quota.metadata?.name}: must specify ${texts.join('; ')}`);
}

/** What the change adds: the new object's usage less the old one's, where that counted too. */
function added(attributes: AdmissionAttributes, quota: ResourceQuota): Amounts {
  const { group, resource, object, oldObject } = attributes;
  const usage = usageOf(group, resource, object);
  const before = oldObject && inScope(quota.spec, resource, oldObject) ? usageOf(group, resource, oldObject) : {};
  const result: Amounts = {};
  for (const name of boundsFor(quota, usage)) {
    const amount = usage[name] as Quantity;
    const difference = before[name] ? subtractQuantities(amount, before[name]) : amount;
    if (compareQuantities(difference, zero) > 0) result[name] = difference;
  }
  return result;
}

function charge(attributes: AdmissionAttributes, quota: ResourceQuota, usage: Amounts): Record<string, string> {
  const name = quota.metadata?.name ?? '';
  const hard = amountsOf(quota.status?.hard ?? quota.spec?.hard);
  const used = amountsOf(quota.status?.used);
  const names = Object.keys(usage);
  const unknown = names.filter((bound) => used[bound] === undefined);
  if (unknown.length > 0 && quota.status?.used === undefined)
    throw refuse(attributes, `status unknown for quota: ${name}, resources: ${unknown.sort().join(',')}`);
  const exceeded = names.filter((bound) => {
    const total = addQuantities(used[bound] ?? zero, usage[bound] as Quantity);
    return hard[bound] !== undefined && compareQuantities(total, hard[bound]) > 0;
  });
  if (exceeded.length > 0)
    throw refuse(
      attributes,
      `exceeded quota: ${name}, requested: ${listed(exceeded, usage)}, used: ${listed(exceeded, used)}, limited: ${listed(exceeded, hard)}`,
    );
  return Object.fromEntries(
    names.map((bound) => [bound, formatQuantity(addQuantities(used[bound] ?? zero, usage[bound] as Quantity))]),
  );
}

const attempts = 5;

/**
 * What a namespace may use is counted before a write, in the quota's status, so that writes at the same time cannot
 * pass it together. What comes to nothing afterwards is given back by the quota controller's recount.
 */
export function resourceQuota(context: AdmissionContext): AdmissionPlugin {
  const chargeStored = async (attributes: AdmissionAttributes, quota: ResourceQuota, usage: Amounts): Promise<void> => {
    const place = { namespace: attributes.namespace, name: quota.metadata?.name ?? '' };
    const store = context.registry().store('', 'resourcequotas');
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        await store.modify({ context: serverContext, place, subresource: 'status' }, (draft: Draft) => {
          const current = draft as unknown as ResourceQuota;
          const used = charge(attributes, current, usage);
          draft.status = {
            ...current.status,
            hard: current.status?.hard ?? current.spec?.hard,
            used: { ...current.status?.used, ...used },
          };
          return draft;
        });
        return;
      } catch (error) {
        if (!isApiError(error, 'Conflict')) throw error;
      }
    }
    throw conflict({ group: '', resource: 'resourcequotas' }, place.name, 'the quota is written by too many at a time');
  };

  const chargeAll = async (attributes: AdmissionAttributes, quotas: readonly ResourceQuota[]): Promise<void> => {
    const { object, resource, group, operation } = attributes;
    for (const quota of quotas) {
      if (!inScope(quota.spec, resource, object)) continue;
      const usage = added(attributes, quota);
      if (resource === 'pods' && group === '' && operation === 'CREATE')
        checkStated(attributes, quota, object as unknown as Pod);
      if (Object.keys(usage).length === 0) continue;
      if (attributes.context.dryRun) charge(attributes, quota, usage);
      else await chargeStored(attributes, quota, usage);
    }
  };

  return {
    name: 'ResourceQuota',
    operations: ['CREATE', 'UPDATE'],
    validate(attributes) {
      const { namespace, object, resource, operation, subresource } = attributes;
      if (namespace === '' || !object || (resource === 'namespaces' && attributes.group === '')) return undefined;
      if (subresource && !(resource === 'pods' && subresource === 'resize')) return undefined;
      // Updates change what is used only of these.
      if (operation === 'UPDATE' && !['pods', 'persistentvolumeclaims', 'services'].includes(resource))
        return undefined;
      const found = context.registry().store('', 'resourcequotas').list({ namespace });
      // Nearly every write ends here, without waiting.
      if (!(found instanceof Promise) && found.items.length === 0) return undefined;
      return (async () => {
        const { items } = await found;
        await chargeAll(
          attributes,
          items.map((item) => item.object as unknown as ResourceQuota),
        );
      })();
    },
  };
}
