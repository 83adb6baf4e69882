import { refuseArgument, type Setter } from './component-arguments.ts';

/** Go's names of cipher suites and OpenSSL's. Those of TLS 1.3 cannot be chosen, in Go as here. */
const suites: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
};
const ofTls13: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
};

export interface TlsSettings {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names. */
  readonly ciphers?: string;
}

/** `tls-min-version` and `tls-cipher-suites` of a component that serves. */
export function tlsSettings<T extends object>(
  flag: string,
  merge: (tls: TlsSettings, so: Partial<T>) => Partial<T>,
): Readonly<Record<string, Setter<T>>> {
  return {
    'tls-min-version': (value, so) => {
      if (value === 'VersionTLS12') return merge({ minVersion: 'TLSv1.2' }, so);
      if (value === 'VersionTLS13') return merge({ minVersion: 'TLSv1.3' }, so);
      const old = value === 'VersionTLS10' || value === 'VersionTLS11';
      throw refuseArgument(
        flag,
        'tls-min-version',
        old
          ? 'nothing older than TLS 1.2 is spoken'
          : `unknown tls version ${JSON.stringify(value)}; it is VersionTLS12 or VersionTLS13`,
      );
    },
    'tls-cipher-suites': (_value, so, all) => {
      const names = all.flatMap((value) => value.split(',')).map((name) => name.trim());
      const known = names
        .filter((name) => name !== '')
        .map((name) => {
          const suite = suites[name] ?? ofTls13[name];
          if (suite === undefined)
            throw refuseArgument(flag, 'tls-cipher-suites', `Cipher suite ${name} not supported or doesn't exist`);
          return suite;
        });
      const old = known.filter((name) => !(name in ofTls13));
      // The suites of TLS 1.3 stay on whatever is chosen: with none of the others, only it is spoken.
      return merge(
        old.length === 0 ? { minVersion: 'TLSv1.3' } : { ciphers: [...Object.keys(ofTls13), ...old].join(':') },
        so,
      );
    },
  };
}
