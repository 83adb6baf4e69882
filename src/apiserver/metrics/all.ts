import { createTokenMetrics } from '../authn/token-metrics.ts';
import { renderCel } from '../cel/metrics.ts';
import { createAdmissionMetrics } from './admission.ts';
import { createAllocatorMetrics } from './allocators.ts';
import { createAuditMetrics } from './audit.ts';
import { createAuthorizerMetrics } from './authorizers.ts';
import { createConnectionMetrics } from './connections.ts';
import { createGraphMetrics } from './graph.ts';
import { createIdentityMetrics } from './identity.ts';
import { createJwtMetrics } from './jwt.ts';
import { createPodSecurityMetrics } from './pod-security.ts';
import { createReloadMetrics } from './reloads.ts';
import { renderRestClient } from './rest-client.ts';
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
    graph: createGraphMetrics(),
    identity: createIdentityMetrics(),
    jwt: createJwtMetrics(server),
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
        .join('') +
      renderCel() +
      renderRestClient(),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
