import type { ExpressionWarning, ValidatingAdmissionPolicy } from '../../api/gen/admissionregistration-v1.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { InformerFactory } from '../../client/informer.ts';

/** What every controller is given. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly log: Logger;
  /** A recorder whose events name `component` as their source. */
  recorder(component: string): EventRecorder;
  readonly now: () => number;
  readonly settings: ControllerSettings;
}

/** What differs from cluster to cluster. */
export interface ControllerSettings {
  /** Pod networks (one per family); node pod CIDRs are cut from them. Empty: nodes get none. */
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** Prefix lengths of a node's share. Default 24 and 64. */
  readonly nodeMaskV4?: number | undefined;
  readonly nodeMaskV6?: number | undefined;
  /** PEM of the authority behind the API's serving certificate, for `kube-root-ca.crt`. */
  readonly rootCa?: string | undefined;
  /** Signs a certificate request for one of the built-in signers; undefined: requests wait for somebody else. */
  readonly signer?: CertificateSigner | undefined;
  /** Signs the claims of tokens that lie in Secrets, as JWT; undefined: such Secrets wait for somebody else. */
  readonly signToken?: ((claims: object) => string) | undefined;
  /** How long a token that lies in a Secret may be unused. Default a year. */
  readonly legacyTokenUnusedMs?: number | undefined;
  /** What the schemas of a policy's kinds have against its expressions; undefined: nobody asks. */
  readonly checkPolicy?: PolicyCheck | undefined;
  /** How long a node may be silent before it counts as unknown. Default 40 s. */
  readonly nodeMonitorGraceMs?: number | undefined;
  /** How many finished pods are kept. Default 12,500; 0 keeps all. */
  readonly finishedPodLimit?: number | undefined;
}

export type PolicyCheck = (policy: ValidatingAdmissionPolicy, client: Client) => Promise<ExpressionWarning[]>;

/** Signs PEM PKCS#10 requests. Returns the PEM chain. Throws when the request cannot be signed. */
export type CertificateSigner = (request: {
  readonly signerName: string;
  readonly csr: string;
  readonly usages: readonly string[];
  readonly expirationSeconds?: number | undefined;
}) => Promise<string>;
