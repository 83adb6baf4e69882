import type { APIService, APIServiceCondition } from '../../api/gen/apiregistration-v1.ts';
import type { Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { isApiError } from '../../api/status.ts';
import { serverContext } from '../bootstrap/context.ts';
import { timestamp } from '../registry/core.ts';
import type { Registry } from '../registry/types.ts';

export type Availability = Omit<APIServiceCondition, 'lastTransitionTime' | 'type'>;

export const passed: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' };
export const local: Availability = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
};

const not = (reason: string, message: string): Availability => ({ status: 'False', reason, message });

/** What of the objects between an APIService and its server is missing; undefined when the server can be asked. */
export async function missing(registry: Registry, apiService: APIService): Promise<Availability | undefined> {
  const { name = '', namespace = '', port: number = 443 } = apiService.spec?.service ?? {};
  let service: Service;
  try {
    service = (await registry.store('', 'services').get({ namespace, name })).object as unknown as Service;
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
    return not('ServiceNotFound', `service/${name} in "${namespace}" is not present`);
  }
  if (service.spec?.type === 'ExternalName') return undefined;
  const port = service.spec?.ports?.find((one) => one.port === number);
  if (!port) return not('ServicePortError', `service/${name} in "${namespace}" is not listening on port ${number}`);
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const { items } = await registry.store('discovery.k8s.io', 'endpointslices').list({ namespace, labelSelector });
  if (items.length === 0)
    return not('EndpointsNotFound', `cannot find endpointslices for service/${name} in "${namespace}"`);
  const portName = port.name ?? '';
  const serves = items.some(({ object }) => {
    const { endpoints, ports } = object as unknown as EndpointSlice;
    return (
      (endpoints ?? []).some((endpoint) => endpoint.conditions?.ready !== false) &&
      (ports ?? []).some((one) => (one.name ?? '') === portName && one.port !== undefined)
    );
  });
  return serves
    ? undefined
    : not(
        'MissingEndpoints',
        `endpointslices for service/${name} in "${namespace}" have no addresses with port name "${portName}"`,
      );
}

/** Writes the condition `Available` where it differs. */
export async function setAvailable(registry: Registry, name: string, wanted: Availability): Promise<void> {
  const store = registry.store('apiregistration.k8s.io', 'apiservices');
  const place = { namespace: '', name };
  await store.modify({ context: serverContext, place, subresource: 'status' }, (draft) => {
    const service = draft as unknown as APIService;
    const conditions = service.status?.conditions ?? [];
    const old = conditions.find(({ type }) => type === 'Available');
    if (old?.status === wanted.status && old.reason === wanted.reason && old.message === wanted.message)
      return undefined;
    const lastTransitionTime = old?.status === wanted.status ? old.lastTransitionTime : timestamp();
    service.status = {
      conditions: [
        ...conditions.filter(({ type }) => type !== 'Available'),
        { type: 'Available', ...wanted, lastTransitionTime },
      ],
    };
    return draft;
  });
}
