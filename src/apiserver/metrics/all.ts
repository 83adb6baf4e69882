import { renderCel } from '../cel/metrics.ts';
import { createAdmissionMetrics } from './admission.ts';
import { createAuditMetrics } from './audit.ts';
import { createConnectionMetrics } from './connections.ts';
import { createIdentityMetrics } from './identity.ts';
import { createStoreMetrics } from './store.ts';
import { createWatchMetrics } from './watches.ts';

/** What the parts of one server count, each by itself. */
export function createMetrics() {
  const parts = {
    admission: createAdmissionMetrics(),
    audit: createAuditMetrics(),
    connections: createConnectionMetrics(),
    identity: createIdentityMetrics(),
    store: createStoreMetrics(),
    watches: createWatchMetrics(),
  };
  return {
    ...parts,
    render: (): string =>
      Object.values(parts)
        .map((part) => part.render())
        .join('') + renderCel(),
  };
}
