import type { ResourceDefinition } from '../types.ts';
import type { ServiceNetwork } from './service-network.ts';

/** What a resource has of its own besides what discovery says of it. */
export type Behaviour = Partial<
  Pick<ResourceDefinition, 'strategy' | 'selectableFields' | 'volatile' | 'ttlSeconds' | 'storedWith' | 'convert'>
>;

export interface BehaviourOptions {
  services?: ServiceNetwork | undefined;
}

/** The map: every built-in resource with behaviour of its own, by its name. All others live by the generic flow. */
export function behaviours(_options: BehaviourOptions): Readonly<Record<string, Behaviour>> {
  return {
    events: { volatile: 'all', ttlSeconds: 3600 },
    'leases.coordination.k8s.io': { volatile: 'updates' },
  };
}
