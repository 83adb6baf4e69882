import type { Service } from '../../../api/gen/core-v1.ts';
import { forgetAddress, recordAddress } from '../allocators/address-objects.ts';
import { createServiceAllocator } from '../allocators/service-allocator.ts';
import { dropTypeDependent } from '../allocators/service-shape.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';
import type { ServiceNetwork } from './service-network.ts';

/** Services get cluster addresses and node ports; what a change of type makes pointless goes. */
export function servicesOn(network: ServiceNetwork = { cidrs: ['10.43.0.0/16'] }): Behaviour {
  const allocator = createServiceAllocator({
    cidrs: network.cidrs,
    nodePorts: network.nodePorts ?? { from: 30_000, to: 32_767 },
    metrics: network.metrics,
  });
  return {
    selectableFields: { 'spec.clusterIP': ['spec', 'clusterIP'], 'spec.type': ['spec', 'type'] },
    strategy: {
      status: true,
      createOnUpdate: true,
      answerDeleted: true,
      allocate(object, old, context) {
        const { registry } = context;
        const service = draftOf<Service>(object);
        const allocation = allocator.allocate(service, old && readOf<Service>(old), context);
        return {
          revert: () => allocation.revert(),
          commit() {
            allocation.commit();
            const place = { namespace: service.metadata.namespace ?? '', name: service.metadata.name ?? '' };
            // Beside the answer: `repairAddresses` makes good at the next start what fails here.
            for (const address of allocation.added) recordAddress(registry, address, place).catch(() => {});
            for (const address of allocation.removed) forgetAddress(registry, address).catch(() => {});
          },
        };
      },
      prepareForUpdate(object, old, { subresource }) {
        if (!subresource) dropTypeDependent(draftOf<Service>(object), readOf<Service>(old));
      },
      fillInStored(object) {
        const { spec } = draftOf<Service>(object);
        if (spec?.type === 'ExternalName') delete spec.internalTrafficPolicy;
      },
      afterDelete(object, { registry }) {
        for (const address of allocator.release(readOf<Service>(object)))
          forgetAddress(registry, address).catch(() => {});
      },
    },
  };
}
