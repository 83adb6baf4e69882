import { ipFamily } from '../../../base/cidr.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Draft, Place, Registry, RequestContext } from '../types.ts';

/** The IPAddress objects that say which Service has which address; kept beside the allocation, which does not need them. */
const context: RequestContext = {
  user: { name: 'system:apiserver', groups: ['system:masters'] },
  dryRun: false,
  fieldManager: 'kube-apiserver',
  fieldValidation: 'Ignore',
  warn() {},
  signal: new AbortController().signal,
};

const manager = 'ipallocator.k8s.io';
const group = 'networking.k8s.io';
/** As upstream names IPv6 addresses: in canonical form, which is what is given. */
const nameOf = (address: string): string => address;

export function addressObject(address: string, service: Place): Draft {
  return {
    apiVersion: `${group}/v1`,
    kind: 'IPAddress',
    metadata: {
      name: nameOf(address),
      labels: {
        'ipaddress.kubernetes.io/ip-family': ipFamily(address) === 6 ? 'IPv6' : 'IPv4',
        'ipaddress.kubernetes.io/managed-by': manager,
      },
    },
    spec: { parentRef: { group: '', resource: 'services', namespace: service.namespace, name: service.name } },
  } as unknown as Draft;
}

export async function recordAddress(registry: Registry, address: string, service: Place): Promise<void> {
  const place = { namespace: '', name: nameOf(address) };
  try {
    await registry.store(group, 'ipaddresses').create({ context, place }, addressObject(address, service));
  } catch (error) {
    if ((error as { reason?: string }).reason !== 'AlreadyExists') throw error;
  }
}

export async function forgetAddress(registry: Registry, address: string): Promise<void> {
  const place = { namespace: '', name: nameOf(address) };
  try {
    await registry.store(group, 'ipaddresses').delete({ context, place }, {});
  } catch (error) {
    if ((error as { reason?: string }).reason !== 'NotFound') throw error;
  }
}

/** Makes what is missing and removes what belongs to no Service. Gives what could not be done. */
export async function repairAddresses(registry: Registry): Promise<string[]> {
  const problems: string[] = [];
  const services = await registry.store('', 'services').list({});
  const recorded = await registry.store(group, 'ipaddresses').list({});
  const owners = new Map<string, Place>();
  for (const { object, namespace, name } of services.items) {
    const { spec } = object as unknown as { spec?: { clusterIPs?: string[] } };
    for (const address of spec?.clusterIPs ?? []) {
      if (ipFamily(address) !== undefined) owners.set(address, { namespace, name });
    }
  }
  const known = new Set(recorded.items.map((item) => item.name));
  const work = [
    ...[...owners]
      .filter(([address]) => !known.has(address))
      .map(([address, owner]) => recordAddress(registry, address, owner)),
    ...recorded.items
      .filter(
        (item) =>
          !owners.has(item.name) && item.object.metadata.labels?.['ipaddress.kubernetes.io/managed-by'] === manager,
      )
      .map((item) => forgetAddress(registry, item.name)),
  ];
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') problems.push(messageOf(result.reason));
  }
  return problems;
}

/** The ServiceCIDR object of the networks that the server was started with. */
export async function recordNetworks(registry: Registry, cidrs: readonly string[]): Promise<void> {
  const store = registry.store(group, 'servicecidrs');
  const place = { namespace: '', name: 'kubernetes' };
  const object = {
    apiVersion: `${group}/v1`,
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [...cidrs] },
  } as unknown as Draft;
  try {
    await store.create({ context, place }, object);
  } catch (error) {
    if ((error as { reason?: string }).reason !== 'AlreadyExists') throw error;
  }
  await store.modify({ context, place, subresource: 'status' }, (draft) => {
    const { status } = draft as unknown as { status?: { conditions?: { type: string; status: string }[] } };
    if (status?.conditions?.some((c) => c.type === 'Ready')) return undefined;
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: 'Kubernetes default Service CIDR is ready',
      lastTransitionTime: draft.metadata.creationTimestamp,
    };
    draft.status = { ...status, conditions: [...(status?.conditions ?? []), ready] };
    return draft;
  });
}
