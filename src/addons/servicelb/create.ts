import type { Node, Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { endpointslices, nodes, services } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { delay } from '../../base/abort.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { type InformerFactory, keyOf, splitKey } from '../../client/informer.ts';
import { isOurs, planLoadBalancers } from './plan.ts';

export interface ServiceLbOptions {
  client: Client;
  informers: InformerFactory;
  log: Logger;
}

const settleMs = 50;
const retryMs = 5_000;
const bySlice = 'servicelb/service';

const addressesIn = (service: Service): string =>
  (service.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '').join(' ');

/** Of a node only this matters: its heartbeats do not. */
const nodeText = (node: Node): string =>
  JSON.stringify([
    node.metadata.labels,
    node.status?.addresses,
    node.status?.conditions?.find((c) => c.type === 'Ready')?.status,
  ]);

/**
 * K3s's service load-balancer: LoadBalancer services get the addresses of nodes, on which every node's service proxy
 * then answers. Runs where the controllers run; there is nothing to run on the nodes.
 */
export function createServiceLb(options: ServiceLbOptions): Component {
  const { client, informers, log } = options;
  const serviceInformer = informers.informer(services);
  const nodeInformer = informers.informer(nodes);
  const sliceInformer = informers.informer(endpointslices);
  const lifetime = new AbortController();
  const undo: (() => void)[] = [];
  let running: Promise<void> | undefined;
  let again = false;

  const publish = async (service: Service, addresses: readonly string[]): Promise<void> => {
    const { name = '', namespace } = service.metadata;
    const ingress = addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
    try {
      const body = { status: { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } } };
      await client.patch(services, name, { type: 'merge', body }, { namespace, subresource: 'status' });
      log.info('load-balancer addresses', { service: keyOf(service), addresses: addresses.join(',') });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const reconcile = async (): Promise<void> => {
    const plan = planLoadBalancers({
      services: serviceInformer.list(),
      nodes: nodeInformer.list(),
      slicesOf: (service) => sliceInformer.byIndex(bySlice, keyOf(service)),
    });
    for (const [key, addresses] of plan) {
      const { namespace, name } = splitKey(key);
      const service = serviceInformer.get(name, namespace);
      if (service !== undefined && addressesIn(service) !== addresses.join(' ')) await publish(service, addresses);
    }
  };
  const loop = async (): Promise<void> => {
    do {
      again = false;
      try {
        await delay(settleMs, lifetime.signal);
        if (!lifetime.signal.aborted) await reconcile();
      } catch (error) {
        log.warn('load-balancer addresses could not be published', { error: messageOf(error) });
        again = true;
        await delay(retryMs, lifetime.signal);
      }
    } while (again && !lifetime.signal.aborted);
    running = undefined;
  };
  const trigger = (): void => {
    again = true;
    running ??= Promise.resolve().then(loop);
  };
  const serviceKey = (slice: EndpointSlice): string =>
    `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
  const onService = (service: Service): void => {
    if (isOurs(service)) trigger();
  };
  /** Endpoints matter to services whose traffic stays on the node. */
  const onSlice = (slice: EndpointSlice): void => {
    const { namespace, name } = splitKey(serviceKey(slice));
    const service = serviceInformer.get(name, namespace);
    if (service !== undefined && isOurs(service) && service.spec?.externalTrafficPolicy === 'Local') trigger();
  };

  return {
    name: 'servicelb',
    async start() {
      sliceInformer.addIndex(bySlice, (slice) => [serviceKey(slice)]);
      await Promise.all([serviceInformer.synced, nodeInformer.synced, sliceInformer.synced]);
      undo.push(
        serviceInformer.addHandler({
          add: onService,
          update: (service, old) => {
            if (isOurs(service) || isOurs(old)) trigger();
          },
          delete: onService,
        }),
        nodeInformer.addHandler({
          add: trigger,
          update: (node, old) => {
            if (nodeText(node) !== nodeText(old)) trigger();
          },
          delete: trigger,
        }),
        sliceInformer.addHandler({ add: onSlice, update: onSlice, delete: onSlice }),
      );
    },
    async stop() {
      lifetime.abort();
      for (const off of undo.splice(0)) off();
      await running;
    },
  };
}
