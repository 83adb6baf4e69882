import { readFile } from 'node:fs/promises';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type FollowedFile, followFile } from '../configuration/follow-file.ts';
import { problemsText } from '../configuration/problems-text.ts';
import type { JwtMetrics } from '../metrics/jwt.ts';
import type { ReloadMetrics } from '../metrics/reloads.ts';
import { openRemoteService, type RemoteService } from '../remote/service.ts';
import type { UserInfo } from '../server.ts';
import type { TokenAuthenticator } from './authenticator.ts';
import { createJwtAuthenticator, type JwtAuthenticator } from './oidc/authenticator.ts';
import {
  type AnonymousSettings,
  type AuthenticationFile,
  type JwtSettings,
  readAuthenticationFile,
} from './oidc/configuration.ts';
import { signatureAlgorithms } from './oidc/signature.ts';
import { authenticationProblems } from './oidc/validate.ts';
import { readTokenFile } from './token-file.ts';
import { createTokenWebhook } from './webhook.ts';

/** Ways to know who asks beyond those that every API server has. */
export interface AuthenticationSettings {
  /** `AuthenticationConfiguration`: issuers of ID tokens, and where nobody has to say who he is. Followed. */
  readonly configFile?: string | undefined;
  /** One issuer without a file. */
  readonly oidc?: { readonly settings: JwtSettings; readonly algorithms: readonly string[] } | undefined;
  /** `token,user,uid,"groups"` a line; read once. */
  readonly tokenFile?: string | undefined;
  readonly webhook?:
    | { readonly kubeconfig: string; readonly version: 'v1' | 'v1beta1'; readonly cacheTtlMs: number }
    | undefined;
}

export interface ConfiguredAuthentication {
  /** Reads the files. Throws KnarrError when one cannot be used. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Before service-account tokens are looked at: the token file. */
  readonly first: TokenAuthenticator;
  /** After them: ID tokens, and the webhook. */
  readonly jwt: TokenAuthenticator;
  readonly webhook: TokenAuthenticator;
  /** What the file says of those who show nothing. */
  anonymous(): AnonymousSettings | undefined;
}

/** How long the issuers of a changed file have to answer before it is not taken. */
const reloadPatienceMs = 60_000;
const webhookPatienceMs = 30_000;

export function createConfiguredAuthentication(options: {
  settings: AuthenticationSettings;
  /** The API's own issuers: nobody else may be taken for them. */
  issuers: readonly string[];
  audiences: readonly string[];
  /** Whether it is said elsewhere too what those may who show nothing. */
  anonymousSaid: boolean;
  /** Told when somebody who was known may be so no more. */
  changed: () => void;
  reloads: ReloadMetrics;
  metrics?: JwtMetrics;
  log: Logger;
}): ConfiguredAuthentication {
  const { settings, issuers, audiences, changed, reloads, log } = options;
  let users: ReadonlyMap<string, UserInfo> = new Map();
  let jwts: readonly JwtAuthenticator[] = [];
  let anonymous: AnonymousSettings | undefined;
  let service: RemoteService | undefined;
  let webhook: TokenAuthenticator | undefined;
  let file: FollowedFile | undefined;

  const authenticatorsOf = (jwt: readonly JwtSettings[], algorithms: readonly string[]): JwtAuthenticator[] =>
    jwt.map((one) => createJwtAuthenticator({ settings: one, algorithms, metrics: options.metrics, log }));
  const checked = (given: AuthenticationFile): AuthenticationFile => {
    const problems = problemsText(authenticationProblems(given, issuers));
    if (problems !== undefined) throw new Error(`invalid authentication configuration: ${problems}`);
    return given;
  };
  const refuse = (what: string, error: unknown): KnarrError =>
    new KnarrError({ code: 'authentication-config', blame: 'user', message: `${what}: ${messageOf(error)}` });

  const reload = async (text: string): Promise<void> => {
    const next = checked(readAuthenticationFile(text));
    if (JSON.stringify(next.anonymous) !== JSON.stringify(anonymous))
      throw new Error('anonymous: Forbidden: changed from initial configuration file');
    const made = authenticatorsOf(next.jwt, signatureAlgorithms);
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((_, reject) => {
      late = setTimeout(() => {
        const problems = made.map((one) => one.problem()).filter((problem) => problem !== undefined);
        reject(new Error(problems.join('; ')));
      }, reloadPatienceMs).unref();
    });
    try {
      await Promise.race([Promise.all(made.map((one) => one.ready)), patience]);
    } catch (error) {
      for (const one of made) one.stop();
      throw error;
    } finally {
      clearTimeout(late);
    }
    for (const one of jwts) one.stop();
    jwts = made;
    changed();
  };

  const startFile = async (path: string): Promise<void> => {
    try {
      const text = await readFile(path, 'utf8');
      const given = checked(readAuthenticationFile(text));
      if (given.anonymous && options.anonymousSaid)
        throw new Error(
          'anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file',
        );
      anonymous = given.anonymous;
      jwts = authenticatorsOf(given.jwt, signatureAlgorithms);
      reloads.loaded(text);
      file = followFile({ path, text, changed: reload, told: reloads.reloaded, log });
    } catch (error) {
      throw refuse(`failed to load authentication configuration from file ${JSON.stringify(path)}`, error);
    }
  };
  const startFlags = ({ settings: one, algorithms }: NonNullable<AuthenticationSettings['oidc']>): void => {
    const unsupported = algorithms.find((name) => !signatureAlgorithms.some((known) => known === name));
    if (unsupported !== undefined)
      throw refuse('oidc', new Error(`unsupported signing alg: ${JSON.stringify(unsupported)}`));
    try {
      checked({ jwt: [one] });
    } catch (error) {
      throw refuse('the --oidc- flags cannot be used', error);
    }
    jwts = authenticatorsOf([one], algorithms);
  };

  return {
    async start() {
      if (settings.tokenFile !== undefined)
        try {
          users = await readTokenFile(settings.tokenFile);
        } catch (error) {
          throw refuse(`the token file ${settings.tokenFile} cannot be used`, error);
        }
      if (settings.webhook) {
        const { kubeconfig, version, cacheTtlMs } = settings.webhook;
        try {
          service = await openRemoteService({ kubeconfig, timeoutMs: webhookPatienceMs });
        } catch (error) {
          throw refuse(`the authentication webhook's ${kubeconfig} cannot be used`, error);
        }
        webhook = createTokenWebhook({ service, version, cacheTtlMs, audiences });
      }
      if (settings.configFile !== undefined) await startFile(settings.configFile);
      else if (settings.oidc) startFlags(settings.oidc);
    },
    async stop() {
      await file?.stop();
      for (const one of jwts) one.stop();
      service?.close();
    },
    first: (token) => {
      const user = users.get(token);
      return user && { user };
    },
    async jwt(token) {
      for (const { authenticate } of jwts) {
        // The first that knows the issuer decides, also by refusing.
        const found = await authenticate(token);
        if (found) return found;
      }
      return undefined;
    },
    webhook: (token, wanted) => webhook?.(token, wanted),
    anonymous: () => anonymous,
  };
}
