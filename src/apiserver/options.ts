import type { Logger } from '../base/log.ts';
import type { Backend } from '../store/backend.ts';
import type { AdmissionSettings } from './admission/settings.ts';
import type { SinkSettings } from './audit/sinks.ts';
import type { AuthenticationSettings } from './authn/configured.ts';
import type { ProxyHeaders } from './authn/x509.ts';
import type { AuthorizationSettings } from './authz/chain.ts';
import type { Dialer, UserInfo } from './server.ts';

export interface ApiServerOptions {
  /** Feature gates, as metrics tell of them. */
  /** What others of the process have to tell at `/metrics`, in the text format of Prometheus. */
  moreMetrics?: (() => string) | undefined;
  features?: ReadonlyMap<string, { readonly stage: string; readonly on: boolean }> | undefined;
  /** The flags that it was started with and their values, as `/flagz` tells them. Default: there is no `/flagz`. */
  flags?: ReadonlyMap<string, readonly string[]> | undefined;
  log: Logger;
  /** Started and stopped by whoever made it. */
  backend: Backend;
  /** Default `0.0.0.0` (all addresses); port 0 takes a free one. */
  listen: { host?: string | undefined; port: number };
  /** Requests that one HTTP/2 connection may have open. Default 1000. */
  maxStreams?: number | undefined;
  /** The address that others are told: in discovery and behind the `kubernetes` Service. */
  advertiseAddress: string;
  /** The port behind the `kubernetes` Service, where it is not the one that is listened on. */
  advertisePort?: number | undefined;
  serving: { cert: string; key: string };
  /** PEM of the authorities of client certificates. */
  clientCa: string;
  /** PEM of the authorities of front proxies, and what names their certificates may have. */
  requestHeader?: { ca: string; allowedNames: readonly string[]; headers?: Partial<ProxyHeaders> } | undefined;
  serviceAccounts: {
    /** PEM of the private key that signs. */
    signingKey: string;
    /** PEM of further keys (public or private) whose tokens are accepted. */
    verificationKeys?: readonly string[] | undefined;
    /** The first one is put into tokens; all are accepted. */
    issuers: readonly string[];
    /** Audiences of the API. Default: the issuers. */
    audiences?: readonly string[] | undefined;
    /** Where verifiers find the keys, when that is not this server. */
    jwksUri?: string | undefined;
    /** Tokens last no longer. */
    maxExpirationSeconds?: number | undefined;
    /** Whether tokens of pods last a year for the sake of old clients. Default true. */
    extendExpiration?: boolean | undefined;
  };
  /** The authority that signs what certificate signing requests ask for; without it nothing is signed. */
  signer?: { cert: string; key: string } | undefined;
  /** Bearer tokens that somebody else knows: the daemon's own. */
  tokens?: ((token: string) => UserInfo | undefined) | undefined;
  /** Ways to know who asks beyond certificates and the cluster's own tokens. */
  authentication?: AuthenticationSettings | undefined;
  /** Who decides what anybody may do; Node and RBAC without it. */
  authorization?: AuthorizationSettings | undefined;
  /** Default: TLS 1.2 and Node's cipher suites. */
  tls?: { minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined; ciphers?: string | undefined } | undefined;
  /** Default: 600 at once, a minute for each. */
  requests?: { inFlight?: number; timeoutMs?: number } | undefined;
  /** How long requests are still taken after the server began to say that it is not ready. Default 0. */
  shutdownDelayMs?: number | undefined;
  /** Admission plug-ins left out, added, and set. */
  admission?: AdmissionSettings | undefined;
  /** Whether tokens of Secrets `bootstrap-token-…` are believed. Default true. */
  bootstrapTokens?: boolean | undefined;
  /** Default true. */
  allowAnonymous?: boolean | undefined;
  /** How often it is looked whether what every cluster has is still there. Default 10 s. */
  firstObjects?: { keepMs: number } | undefined;
  serviceCidrs: readonly string[];
  /** The first address of the first service CIDR. */
  kubernetesServiceIp: string;
  /** Default 30000–32767. */
  nodePortRange?: { from: number; to: number } | undefined;
  /** What of requests is written to a log, and sent to a webhook: nothing without it. */
  audit?: (SinkSettings & { policyFile: string }) | undefined;
  /** Reaches nodes, pods and services. */
  dial: Dialer;
  /** How the server shows itself to kubelets, and the authority of their serving certificates. */
  kubelet: { cert: string; key: string; ca: string };
  /** The certificate shown to aggregated servers, believed by them as a front proxy. */
  proxyClient?: { cert: string; key: string } | undefined;
}
