import type { Endpoints } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { endpointslices, endpoints as endpointsResource, services } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { planSlices } from '../endpointslice/plan.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { controllerRef } from '../runtime/owners.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';
import { mirroredGroups } from './mirror.ts';

const managedBy = 'endpointslice.kubernetes.io/managed-by';
const manager = 'endpointslicemirroring-controller.k8s.io';
const serviceName = 'kubernetes.io/service-name';
const skip = 'endpointslice.kubernetes.io/skip-mirror';
const leader = 'control-plane.alpha.kubernetes.io/leader';
const generated = ['endpoints.kubernetes.io/managed-by', 'service.kubernetes.io/headless'];
const notCopied = [
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
];

function isMirrored(endpoints: Endpoints): boolean {
  return endpoints.metadata.labels?.[skip] !== 'true' && endpoints.metadata.annotations?.[leader] === undefined;
}

const withoutKeys = (map: Record<string, string> | undefined, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));

/** Services without a selector have their endpoints made by hand: these are mirrored as slices. */
export function createEndpointSliceMirroringController(context: ControllerContext): Component {
  const { client, informers } = context;
  const informer = informers.informer(endpointsResource);
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointslices);
  sliceInformer.addIndex('mirror', ({ metadata: { labels, namespace } }) =>
    labels?.[managedBy] === manager ? [`${namespace}/${labels[serviceName]}`] : [],
  );

  const remove = async ({ metadata: { name = '', namespace } }: EndpointSlice): Promise<void> => {
    try {
      await client.delete(endpointslices, name, { namespace });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const sync = async (endpoints: Endpoints, existing: readonly EndpointSlice[]): Promise<void> => {
    const { name = '', namespace } = endpoints.metadata;
    const labels = { ...withoutKeys(endpoints.metadata.labels, generated), [serviceName]: name, [managedBy]: manager };
    const annotations = withoutKeys(endpoints.metadata.annotations, notCopied);
    const plan = planSlices(mirroredGroups(endpoints), existing);
    for (const { group, endpoints: held } of plan.create) {
      const slice: EndpointSlice = {
        metadata: {
          generateName: `${name}-`,
          namespace,
          labels,
          annotations,
          ownerReferences: [controllerRef(endpointsResource, endpoints)],
        },
        addressType: group.addressType,
        endpoints: held,
        ports: group.ports,
      };
      sliceInformer.observe(await client.create(endpointslices, slice));
    }
    const changed = plan.keep.filter(
      (s) => !sameJson(s.metadata.labels ?? {}, labels) || !sameJson(s.metadata.annotations ?? {}, annotations),
    );
    for (const { slice, endpoints: held } of [
      ...plan.update,
      ...changed.map((slice) => ({ slice, endpoints: slice.endpoints ?? [] })),
    ]) {
      const metadata = { ...slice.metadata, labels, annotations };
      sliceInformer.observe(await client.update(endpointslices, { ...slice, metadata, endpoints: held }));
    }
    for (const slice of plan.remove) await remove(slice);
  };

  return createController({
    name: 'endpointslice-mirroring',
    log: context.log.child('endpointslice-mirroring'),
    watches: (queue) => [
      watching(queue, informer),
      watching(queue, serviceInformer, keyOf, (s, old) => !sameJson(s.spec?.selector, old.spec?.selector)),
      watching(queue, sliceInformer, ({ metadata: { labels, namespace } }) =>
        labels?.[managedBy] === manager ? `${namespace}/${labels[serviceName]}` : undefined,
      ),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const endpoints = informer.get(name, namespace);
      const service = serviceInformer.get(name, namespace);
      const existing = sliceInformer.byIndex('mirror', key).filter((s) => !s.metadata.deletionTimestamp);
      if (!endpoints || !service || service.spec?.selector || !isMirrored(endpoints)) {
        for (const slice of existing) await remove(slice);
        return undefined;
      }
      try {
        await sync(endpoints, existing);
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
      return undefined;
    },
  });
}
