import { Agent } from 'node:https';
import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { JwtMetrics } from '../../metrics/jwt.ts';
import type { UserInfo } from '../../server.ts';
import type { TokenAuthenticator } from '../authenticator.ts';
import { decodeJwt } from '../jwt.ts';
import { userOfClaims } from './claims.ts';
import type { JwtSettings } from './configuration.ts';
import { createDistributedClaims } from './distributed.ts';
import { discoverIssuer, type IssuerKeys } from './issuer.ts';
import { type VerifierOptions, verifyIdToken } from './verifier.ts';

export interface JwtAuthenticator {
  authenticate: TokenAuthenticator;
  /** Settles when the issuer has told where its keys are, which is tried until it does. */
  readonly ready: Promise<void>;
  /** Why it is not ready. */
  problem(): string | undefined;
  stop(): void;
}

const retryMs = 10_000;

const googleBare = 'accounts.google.com';

/** The issuer that a token names; whether that is true is another question. */
function namedIssuer(token: string): string | undefined {
  const iss = decodeJwt(token)?.claims.iss;
  return iss === googleBare ? `https://${googleBare}` : typeof iss === 'string' ? iss : undefined;
}

/** Users by the ID tokens of one issuer. Upstream: `plugin/pkg/authenticator/token/oidc`. */
export function createJwtAuthenticator(options: {
  settings: JwtSettings;
  algorithms: readonly string[];
  log: Logger;
  metrics?: JwtMetrics | undefined;
  now?: () => number;
  retryMs?: number;
}): JwtAuthenticator {
  const { settings, algorithms, metrics, log, now } = options;
  const { url = '', discoveryURL, certificateAuthority, audiences = [] } = settings.issuer;
  const ca = certificateAuthority || undefined;
  const agent = new Agent({ keepAlive: true });
  const verifier = (issuer: string, keys: IssuerKeys): VerifierOptions => ({
    issuer,
    keys,
    algorithms,
    audiences,
    ...(now ? { now } : {}),
  });
  let keys: IssuerKeys | undefined;
  let failure = `oidc: authenticator for issuer ${JSON.stringify(url)} is not initialized`;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const ready = Promise.withResolvers<void>();
  const groupsClaim = settings.claimMappings.groups?.claim;
  const distributed = groupsClaim
    ? createDistributedClaims({
        claim: groupsClaim,
        agent,
        ca,
        verify: async (issuer, jwt) => {
          const known = await discoverIssuer({ url: issuer, discoveryUrl: undefined, ca, agent });
          return verifyIdToken(jwt, verifier(issuer, known));
        },
      })
    : undefined;

  const begin = async (): Promise<void> => {
    try {
      const fetched = (keySet: string | undefined): void => metrics?.fetched(url, keySet);
      keys = await discoverIssuer({ url, discoveryUrl: discoveryURL || undefined, ca, agent, fetched });
      ready.resolve();
    } catch (error) {
      failure = messageOf(error);
      if (stopped) return;
      log.error('an issuer of tokens cannot be asked for its keys; it is asked again', { issuer: url, error: failure });
      timer = setTimeout(() => void begin(), options.retryMs ?? retryMs);
      timer.unref();
    }
  };
  void begin();

  const recognize = async (token: string): Promise<UserInfo> => {
    if (!keys) throw new Error('oidc: authenticator not initialized');
    let claims: Readonly<Record<string, unknown>>;
    try {
      claims = await verifyIdToken(token, verifier(url, keys));
    } catch (error) {
      throw new Error(`oidc: verify token: ${messageOf(error)}`);
    }
    try {
      claims = (await distributed?.expand(claims)) ?? claims;
    } catch (error) {
      throw new Error(`oidc: could not expand distributed claims: ${messageOf(error)}`);
    }
    return userOfClaims(settings, claims);
  };

  return {
    ready: ready.promise,
    problem: () =>
      keys ? undefined : `oidc: authenticator for issuer ${JSON.stringify(url)} is not healthy: ${failure}`,
    stop() {
      stopped = true;
      clearTimeout(timer);
      agent.destroy();
    },
    async authenticate(token) {
      if (namedIssuer(token) !== url) return undefined;
      const began = performance.now();
      let good = false;
      try {
        const user = await recognize(token);
        good = true;
        return { user };
      } finally {
        metrics?.authenticated(url, good, performance.now() - began);
      }
    },
  };
}
