import { createHistograms } from './histogram.ts';
import { hashOf } from './reloads.ts';
import { type Family, renderFamilies } from './text.ts';

/** How the issuers of ID tokens fare, under upstream's names. `server` is who this server is. */
export function createJwtMetrics(server: string) {
  const prefix = 'apiserver_authentication_jwt_authenticator_';
  const id = hashOf(server);
  const times = createHistograms({
    name: `${prefix}latency_seconds`,
    help: 'Time to look at an ID token that was not known.',
    labels: ['jwt_issuer_hash', 'result'],
    bounds: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const fetched = new Map<string, Family['samples'][number]>();
  const keySets = new Map<string, string>();
  return {
    authenticated: (issuer: string, good: boolean, ms: number): void =>
      times.of(hashOf(issuer), good ? 'success' : 'failure').observe(ms / 1000),
    /** `keySet`: what the issuer answered; undefined: nothing of use. */
    fetched(issuer: string, keySet: string | undefined): void {
      const result = keySet === undefined ? 'failure' : 'success';
      const labels = { apiserver_id_hash: id, jwt_issuer_hash: hashOf(issuer), result };
      fetched.set(`${result} ${issuer}`, { labels, value: Date.now() / 1000 });
      if (keySet !== undefined) keySets.set(issuer, hashOf(keySet));
    },
    render: (): string =>
      times.render() +
      renderFamilies([
        {
          name: `${prefix}jwks_fetch_last_timestamp_seconds`,
          type: 'gauge',
          help: 'When the keys of an issuer were last asked for.',
          samples: [...fetched.values()],
        },
        {
          name: `${prefix}jwks_fetch_last_key_set_info`,
          type: 'gauge',
          help: 'The keys that an issuer has.',
          samples: [...keySets].map(([issuer, hash]) => ({
            labels: { apiserver_id_hash: id, hash, jwt_issuer_hash: hashOf(issuer) },
            value: 1,
          })),
        },
      ]),
  };
}

export type JwtMetrics = ReturnType<typeof createJwtMetrics>;
