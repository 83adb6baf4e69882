import type { TLSSocket } from 'node:tls';
import type { Exchange } from '../http/exchange.ts';
import type { UserInfo } from '../server.ts';

/** What a request shows of who sends it. */
export interface Credentials {
  readonly url: string;
  readonly headers: Exchange['headers'];
  readonly rawHeaders: Exchange['rawHeaders'];
  readonly socket: TLSSocket;
}

/**
 * One way to know who asks. Undefined: these credentials are not of this kind (the next one is asked). Throws when they
 * are of this kind and wrong: the request is unauthorized whatever the others say.
 */
export type Authenticator = (credentials: Credentials) => UserInfo | undefined | Promise<UserInfo | undefined>;

/** The same for a bearer token alone; `audiences` are those that the asker accepts (default: the API's own). */
export type TokenAuthenticator = (
  token: string,
  audiences?: readonly string[],
) => AuthenticatedToken | undefined | Promise<AuthenticatedToken | undefined>;

export interface AuthenticatedToken {
  user: UserInfo;
  /** The audiences of the token that the asker accepts. */
  audiences?: readonly string[] | undefined;
  notes?: TokenNotes | undefined;
}

/** What is told of every request that shows a token. */
export interface TokenNotes {
  /** For the audit log. */
  readonly annotations: Readonly<Record<string, string>>;
  /** For who asks. */
  readonly warnings: readonly string[];
}

/** Of tokens that say nothing of audiences: they are for the API's own. */
export const forAudiences =
  (own: readonly string[], authenticator: TokenAuthenticator): TokenAuthenticator =>
  (token, wanted = own) => {
    const audiences = wanted.filter((audience) => own.includes(audience));
    if (audiences.length === 0) return undefined;
    const found = authenticator(token, audiences);
    const told = (known: AuthenticatedToken | undefined) => known && { ...known, audiences };
    return found instanceof Promise ? found.then(told) : told(found);
  };

export const authenticatedGroup = 'system:authenticated';

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Adds `system:authenticated`, as upstream does for everybody who was recognized. */
export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.name === anonymous.name || user.groups.includes(authenticatedGroup)) return user;
  if (user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, authenticatedGroup] };
}
