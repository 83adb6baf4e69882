import type { APIService } from '../../../api/gen/apiregistration-v1.ts';
import { local } from '../../aggregation/availability.ts';
import { timestamp } from '../core.ts';
import type { Behaviour } from './map.ts';
import { draftOf } from './of.ts';

/** What this server answers for itself is there from the first moment. */
export const apiServices: Behaviour = {
  strategy: {
    unconditionalUpdate: false,
    statusKeepsMetadata: true,
    prepareForCreate(draft) {
      const service = draftOf<APIService>(draft);
      if (service.spec?.service) return;
      service.status = { conditions: [{ type: 'Available', ...local, lastTransitionTime: timestamp() }] };
    },
  },
};
