import type { Pod, Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { endpointslices, nodes, pods, services } from '../../api/gen/resources.ts';
import { mapSelectorMatches } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import type { Informer } from '../../client/informer.ts';
import { splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { controllerRef } from '../runtime/owners.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';
import { isReady } from '../runtime/pods.ts';
import { timeText } from '../runtime/time.ts';
import { desiredGroups } from './desired.ts';
import { planSlices } from './plan.ts';
import { isHeadless } from './service-ports.ts';

const managedBy = 'endpointslice.kubernetes.io/managed-by';
const manager = 'endpointslice-controller.k8s.io';
const serviceName = 'kubernetes.io/service-name';
const headless = 'service.kubernetes.io/headless';
const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

/** The keys of the services that select the pod. */
export function servicesOf(informer: Informer<Service>, pod: Pod): string[] {
  return informer
    .list(pod.metadata.namespace)
    .filter((s) => mapSelectorMatches(s.spec?.selector, pod.metadata.labels))
    .map((s) => `${s.metadata.namespace}/${s.metadata.name}`);
}

/** Whether a change of the pod can change anybody's endpoints. */
export function podMatters(pod: Pod, old: Pod): boolean {
  return (
    isReady(pod) !== isReady(old) ||
    pod.status?.phase !== old.status?.phase ||
    pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    pod.spec?.nodeName !== old.spec?.nodeName ||
    !sameJson(pod.status?.podIPs, old.status?.podIPs) ||
    !sameJson(pod.metadata.labels, old.metadata.labels)
  );
}

function labelsFor(service: Service): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata.labels };
  delete labels[headless];
  labels[serviceName] = service.metadata.name ?? '';
  labels[managedBy] = manager;
  if (isHeadless(service)) labels[headless] = '';
  return labels;
}

/** Keeps the slices of every service that has a selector. */
export function createEndpointSliceController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const serviceInformer = informers.informer(services);
  const podInformer = informers.informer(pods);
  const nodeInformer = informers.informer(nodes);
  const sliceInformer = informers.informer(endpointslices);
  sliceInformer.addIndex('service', (slice) => {
    const { labels, namespace } = slice.metadata;
    return labels?.[serviceName] && labels[managedBy] === manager ? [`${namespace}/${labels[serviceName]}`] : [];
  });

  const remove = async (slice: EndpointSlice): Promise<void> => {
    try {
      await client.delete(endpointslices, slice.metadata.name ?? '', { namespace: slice.metadata.namespace });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const selected = (service: Service): Pod[] =>
    podInformer
      .list(service.metadata.namespace)
      .filter((pod) => mapSelectorMatches(service.spec?.selector, pod.metadata.labels));

  const sync = async (service: Service, existing: readonly EndpointSlice[]): Promise<void> => {
    const labels = labelsFor(service);
    const groups = desiredGroups(service, selected(service), (name) => nodeInformer.get(name));
    const plan = planSlices(
      groups,
      existing.filter((s) => s.metadata.deletionTimestamp === undefined),
    );
    const annotations = { [triggerTime]: timeText(now()) };
    const update = async (slice: EndpointSlice, endpoints: EndpointSlice['endpoints']): Promise<void> => {
      const metadata = { ...slice.metadata, labels, annotations: { ...slice.metadata.annotations, ...annotations } };
      sliceInformer.observe(await client.update(endpointslices, { ...slice, metadata, endpoints }));
    };
    for (const { group, endpoints } of plan.create) {
      const slice: EndpointSlice = {
        metadata: {
          generateName: `${service.metadata.name}-`,
          namespace: service.metadata.namespace,
          labels,
          annotations,
          ownerReferences: [controllerRef(services, service)],
        },
        addressType: group.addressType,
        endpoints,
        ports: group.ports,
      };
      sliceInformer.observe(await client.create(endpointslices, slice));
    }
    for (const { slice, endpoints } of plan.update) await update(slice, endpoints);
    for (const slice of plan.keep) {
      if (!sameJson(slice.metadata.labels, labels)) await update(slice, slice.endpoints);
    }
    for (const slice of plan.remove) await remove(slice);
  };

  return createController({
    name: 'endpointslice',
    log: context.log.child('endpointslice'),
    watches: (queue) => [
      watching(queue, serviceInformer),
      watching(queue, podInformer, (pod) => servicesOf(serviceInformer, pod), podMatters),
      watching(queue, sliceInformer, (slice) => {
        const { labels, namespace } = slice.metadata;
        return labels?.[serviceName] && labels[managedBy] === manager
          ? `${namespace}/${labels[serviceName]}`
          : undefined;
      }),
      { ...watching(queue, nodeInformer, () => undefined) },
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const service = serviceInformer.get(name, namespace);
      const existing = sliceInformer.byIndex('service', key);
      if (!service) {
        for (const slice of existing) await remove(slice);
        return undefined;
      }
      // Whoever made a service without selector looks after its endpoints.
      if (!service.spec?.selector || service.spec.type === 'ExternalName' || service.metadata.deletionTimestamp) {
        return undefined;
      }
      try {
        await sync(service, existing);
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
      return undefined;
    },
  });
}
