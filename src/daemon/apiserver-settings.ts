import type { ApiServerOptions } from '../apiserver/options.ts';
import { KnarrError } from '../base/errors.ts';

/** What `--kube-apiserver-arg` can set. */
export interface ApiServerSettings
  extends Partial<
    Pick<
      ApiServerOptions,
      | 'allowAnonymous'
      | 'audit'
      | 'authentication'
      | 'authorization'
      | 'tls'
      | 'requests'
      | 'shutdownDelayMs'
      | 'maxStreams'
      | 'admission'
      | 'bootstrapTokens'
      | 'flags'
    >
  > {
  readonly serviceAccounts?: ServiceAccountSettings;
  readonly requestHeader?: { readonly allowedNames?: readonly string[] } & Pick<
    NonNullable<ApiServerOptions['requestHeader']>,
    'headers'
  >;
  readonly encryption?: EncryptionSettings;
  /** A file of plug-ins' configurations, read when the server starts. */
  readonly admissionFile?: string;
}

export interface ServiceAccountSettings
  extends Pick<ApiServerOptions['serviceAccounts'], 'jwksUri' | 'maxExpirationSeconds' | 'extendExpiration'> {
  /** The first is put into tokens. */
  readonly issuers?: readonly string[];
  readonly audiences?: readonly string[];
  readonly signingKeyFile?: string;
  /** Keys whose tokens are believed too. */
  readonly keyFiles?: readonly string[];
}

export interface EncryptionSettings {
  /** An EncryptionConfiguration. */
  readonly file: string;
  /** Whether it is read again when it changes. */
  readonly follow: boolean;
}

/** Names as they were given, before they are put together. */
export interface GivenApiServer {
  /** By flag. */
  readonly audit?: Readonly<Record<string, string>>;
  readonly oidc?: Readonly<Record<string, readonly string[]>>;
  readonly authentication?: Readonly<Record<string, string>>;
  readonly authorization?: Readonly<Record<string, string>>;
  readonly inFlight?: Readonly<Record<string, number>>;
  readonly encryption?: Partial<EncryptionSettings>;
}

export const refuseSetting = (message: string): KnarrError =>
  new KnarrError({ code: 'invalid-setting', blame: 'user', message: `--kube-apiserver-arg: ${message}` });
