import type { Endpoints } from '../../api/gen/core-v1.ts';
import { endpoints, pods, services } from '../../api/gen/resources.ts';
import { mapSelectorMatches } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { splitKey } from '../../client/informer.ts';
import { podMatters, servicesOf } from '../endpointslice/controller.ts';
import { isHeadless } from '../endpointslice/service-ports.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';
import { subsetsOf } from './subsets.ts';

const headless = 'service.kubernetes.io/headless';
const managedBy = 'endpoints.kubernetes.io/managed-by';
const overCapacity = 'endpoints.kubernetes.io/over-capacity';

/** Keeps the Endpoints of every service that has a selector. */
export function createEndpointsController(context: ControllerContext): Component {
  const { client, informers } = context;
  const serviceInformer = informers.informer(services);
  const podInformer = informers.informer(pods);
  const informer = informers.informer(endpoints);
  return createController({
    name: 'endpoints',
    log: context.log.child('endpoints'),
    watches: (queue) => [
      watching(queue, serviceInformer),
      watching(queue, podInformer, (pod) => servicesOf(serviceInformer, pod), podMatters),
      watching(queue, informer, undefined, () => false),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const service = serviceInformer.get(name, namespace);
      const known = informer.get(name, namespace);
      if (!service) {
        // What a user or an elector made under this name is theirs.
        if (!known?.metadata.labels?.[managedBy]) return undefined;
        try {
          await client.delete(endpoints, name, { namespace, preconditions: { uid: known.metadata.uid } });
        } catch (error) {
          if (!isApiError(error, 'NotFound')) throw error;
        }
        return undefined;
      }
      if (!service.spec?.selector || service.spec.type === 'ExternalName' || service.metadata.deletionTimestamp) {
        return undefined;
      }
      const selected = podInformer
        .list(namespace)
        .filter((pod) => mapSelectorMatches(service.spec?.selector, pod.metadata.labels));
      const { subsets, truncated } = subsetsOf(service, selected);
      const labels: Record<string, string> = { ...service.metadata.labels, [managedBy]: 'endpoint-controller' };
      if (isHeadless(service)) labels[headless] = '';
      else delete labels[headless];
      const annotations: Record<string, string> = { ...known?.metadata.annotations };
      if (truncated) annotations[overCapacity] = 'truncated';
      else delete annotations[overCapacity];
      const same =
        known &&
        sameJson(known.subsets ?? [], subsets) &&
        sameJson(known.metadata.labels ?? {}, labels) &&
        sameJson(known.metadata.annotations ?? {}, annotations);
      if (same) return undefined;
      const next: Endpoints = {
        ...known,
        metadata: { ...known?.metadata, name, namespace, labels, annotations },
        subsets: subsets.length === 0 ? undefined : subsets,
      };
      try {
        informer.observe(known ? await client.update(endpoints, next) : await client.create(endpoints, next));
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
      return undefined;
    },
  });
}
