import type { Logger } from '../../base/log.ts';
import type { Metrics } from '../metrics/all.ts';
import type { ApiServerOptions } from '../options.ts';
import type { Registry } from '../registry/types.ts';
import { type Authentication, createAuthentication } from './authenticate.ts';
import { forAudiences } from './authenticator.ts';
import { bootstrapTokenAuthenticator } from './bootstrap-token.ts';
import { type ConfiguredAuthentication, createConfiguredAuthentication } from './configured.ts';
import type { TokenKey } from './jwt.ts';
import { serviceAccountAuthenticator } from './service-account.ts';
import { requestHeaderAuthenticator, x509Authenticator } from './x509.ts';

/** Every way to know who asks, in the order in which they are tried. */
export function assembleAuthentication(given: {
  options: ApiServerOptions;
  registry: Registry;
  /** Whose tokens are the cluster's own. */
  keys: readonly TokenKey[];
  audiences: readonly string[];
  metrics: Metrics;
  log: Logger;
}): { authentication: Authentication; configured: ConfiguredAuthentication } {
  const { options, registry, keys, audiences, metrics, log } = given;
  const { issuers } = options.serviceAccounts;
  const configured = createConfiguredAuthentication({
    settings: options.authentication ?? {},
    issuers: issuers,
    audiences,
    anonymousSaid: options.allowAnonymous !== undefined,
    changed: () => authentication.forget(),
    reloads: metrics.authenticationReloads,
    metrics: metrics.jwt,
    log,
  });
  const authentication = createAuthentication({
    metrics: metrics.identity,
    log,
    allowAnonymous(path) {
      const anonymous = configured.anonymous();
      if (!anonymous) return options.allowAnonymous ?? true;
      const { enabled = false, conditions = [] } = anonymous;
      return enabled && (conditions.length === 0 || conditions.some((condition) => condition.path === path));
    },
    authenticators: [
      ...(options.requestHeader ? [requestHeaderAuthenticator(options.requestHeader)] : []),
      x509Authenticator(options.clientCa, metrics.connections.certificate),
    ],
    tokens: [
      forAudiences(audiences, (token) => {
        const user = options.tokens?.(token);
        return user && { user };
      }),
      forAudiences(audiences, configured.first),
      serviceAccountAuthenticator({
        registry,
        keys,
        issuers: issuers,
        audiences,
        metrics: metrics.tokens,
        log,
      }),
      ...((options.bootstrapTokens ?? true) ? [forAudiences(audiences, bootstrapTokenAuthenticator(registry))] : []),
      forAudiences(audiences, configured.jwt),
      configured.webhook,
    ],
  });
  return { authentication, configured };
}
