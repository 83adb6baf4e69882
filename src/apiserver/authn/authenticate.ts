import { unauthorized } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { headerOf } from '../http/exchange.ts';
import type { IdentityMetrics } from '../metrics/identity.ts';
import type { UserInfo } from '../server.ts';
import {
  type AuthenticatedToken,
  type Authenticator,
  anonymous,
  type Credentials,
  type TokenAuthenticator,
  type TokenNotes,
  withAuthenticatedGroup,
} from './authenticator.ts';

export interface Authentication {
  /** Who asks; anonymous when nothing was shown. Throws 401 for credentials that are wrong. */
  authenticate(credentials: Credentials): UserInfo | Promise<UserInfo>;
  /** One token, for TokenReview: undefined when nobody knows it; throws with why it is bad. */
  authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined>;
  /** What is told of every request of a user whom this has recognized. */
  notesOf(user: UserInfo): TokenNotes | undefined;
  /** Asks anew about every token. */
  forget(): void;
}

export interface AuthenticationOptions {
  /** By connection or headers; asked in order. */
  authenticators: readonly Authenticator[];
  /** By bearer token; asked in order. */
  tokens: readonly TokenAuthenticator[];
  /** Whether who shows nothing may ask for a path. */
  allowAnonymous(path: string): boolean;
  metrics: Pick<IdentityMetrics, 'token' | 'fetched'>;
  log: Logger;
}

/** How long a token that was good (or bad) is believed to be so still, as upstream's token cache. */
const goodForMs = 10_000;
const badForMs = 1_000;
const tokensKept = 4096;

const bearer = /^bearer +(.*)$/i;

/** A WebSocket from a browser cannot set headers: the token may come as a subprotocol. */
const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';

function tokenOf(headers: Credentials['headers']): string | undefined {
  const authorization = headerOf(headers, 'authorization');
  if (authorization) return bearer.exec(authorization)?.[1]?.trim() || undefined;
  const protocols = headerOf(headers, 'sec-websocket-protocol');
  const found = protocols
    ?.split(',')
    .map((p) => p.trim())
    .find((p) => p.startsWith(protocolPrefix));
  return found && Buffer.from(found.slice(protocolPrefix.length), 'base64url').toString();
}

const pathOf = (url: string): string => {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
};

export function createAuthentication(options: AuthenticationOptions): Authentication {
  const notes = new WeakMap<UserInfo, TokenNotes>();
  const known = new Map<string, { until: number; user: UserInfo | undefined }>();

  const authenticateToken: Authentication['authenticateToken'] = async (token, audiences) => {
    let failure: unknown;
    for (const authenticator of options.tokens) {
      try {
        const found = await authenticator(token, audiences);
        if (!found) continue;
        const user = withAuthenticatedGroup(found.user);
        if (found.notes) notes.set(user, found.notes);
        return { ...found, user };
      } catch (error) {
        failure = error;
      }
    }
    if (failure) throw failure;
    return undefined;
  };

  const byToken = async (token: string): Promise<UserInfo> => {
    const began = performance.now();
    let user: UserInfo | undefined;
    try {
      user = (await authenticateToken(token))?.user;
    } catch (error) {
      options.log.debug('a bearer token was refused', { reason: messageOf(error) });
    }
    if (known.size >= tokensKept) known.clear();
    known.set(token, { user, until: Date.now() + (user ? goodForMs : badForMs) });
    options.metrics.fetched(user !== undefined);
    options.metrics.token(false, performance.now() - began);
    if (!user) throw unauthorized();
    return user;
  };

  const slow = async (credentials: Credentials, from: number): Promise<UserInfo> => {
    for (const authenticator of options.authenticators.slice(from)) {
      const user = await authenticator(credentials);
      if (user) return withAuthenticatedGroup(user);
    }
    return finish(credentials);
  };

  const finish = (credentials: Credentials): UserInfo | Promise<UserInfo> => {
    const token = tokenOf(credentials.headers);
    if (token !== undefined) {
      const cached = known.get(token);
      if (cached && cached.until > Date.now()) {
        options.metrics.token(true, 0);
        if (cached.user) return cached.user;
        throw unauthorized();
      }
      return byToken(token);
    }
    if (!options.allowAnonymous(pathOf(credentials.url))) throw unauthorized();
    return anonymous;
  };

  return {
    authenticateToken,
    notesOf: (user) => notes.get(user),
    forget: () => known.clear(),
    authenticate(credentials) {
      for (let i = 0; i < options.authenticators.length; i++) {
        const user = (options.authenticators[i] as Authenticator)(credentials);
        if (user === undefined) continue;
        if (user instanceof Promise)
          return user.then((u) => (u ? withAuthenticatedGroup(u) : slow(credentials, i + 1)));
        return withAuthenticatedGroup(user);
      }
      return finish(credentials);
    },
  };
}
