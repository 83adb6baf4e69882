import { createTokenMetrics } from '../authn/token-metrics.ts';
import { renderCel } from '../cel/metrics.ts';
import { createAdmissionMetrics } from './admission.ts';
import { createAllocatorMetrics } from './allocators.ts';
import { createAuditMetrics } from './audit.ts';
import { createAuthorizerMetrics } from './authorizers.ts';
import { createConnectionMetrics } from './connections.ts';
import { createIdentityMetrics } from './identity.ts';
import { createPodSecurityMetrics } from './pod-security.ts';
import { createReloadMetrics } from './reloads.ts';
import { createStoreMetrics } from './store.ts';
import { createWatchMetrics } from './watches.ts';

/** What the parts of one server count, each by itself. `server` is who it is. */
export function createMetrics(server: string) {
  const parts = {
    admission: createAdmissionMetrics(),
    allocators: createAllocatorMetrics(),
    audit: createAuditMetrics(),
    authenticationReloads: createReloadMetrics('authentication', server),
    authorizationReloads: createReloadMetrics('authorization', server),
    authorizers: createAuthorizerMetrics(),
    connections: createConnectionMetrics(),
    identity: createIdentityMetrics(),
    podSecurity: createPodSecurityMetrics(),
    store: createStoreMetrics(),
    tokens: createTokenMetrics(),
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

export type Metrics = ReturnType<typeof createMetrics>;
