import type { Agent } from 'node:https';
import { messageOf } from '../../../base/errors.ts';
import { decodeJwt } from '../jwt.ts';
import { fetchText } from './issuer.ts';
import type { Claims } from './verifier.ts';

export interface DistributedClaims {
  /** The claims with the one that lies elsewhere; undefined when nothing of it does. Throws in upstream's words. */
  expand(claims: Claims): Promise<Claims | undefined>;
}

interface Source {
  endpoint?: string;
  access_token?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** OpenID Connect Core 1.0, section 5.6.2: a claim that the token names and another place holds, as a token of its own. */
export function createDistributedClaims(options: {
  claim: string;
  agent: Agent;
  ca: string | undefined;
  verify(issuer: string, token: string): Promise<Claims>;
}): DistributedClaims {
  const { claim, agent, ca, verify } = options;

  const resolve = async ({ endpoint = '', access_token: token }: Source): Promise<unknown> => {
    let jwt: string;
    try {
      const answer = await fetchText(endpoint, { agent, ca, ...(token ? { token } : {}) });
      if (answer.status < 200 || answer.status > 226)
        throw new Error(`error while getting distributed claim JWT: ${answer.status}`);
      jwt = answer.text;
    } catch (error) {
      throw new Error(`while getting distributed claim ${JSON.stringify(claim)}: ${messageOf(error)}`);
    }
    const issuer = decodeJwt(jwt)?.claims.iss;
    if (typeof issuer !== 'string')
      throw new Error(
        `getting untrusted issuer from endpoint ${endpoint} failed for claim ${JSON.stringify(claim)}: malformed token`,
      );
    let claims: Claims;
    try {
      claims = await verify(issuer, jwt);
    } catch (error) {
      throw new Error(`verify distributed claim token: ${messageOf(error)}`);
    }
    if (!Object.hasOwn(claims, claim))
      throw new Error(
        `jwt returned by distributed claim endpoint ${JSON.stringify(endpoint)} did not contain claim: ${claim}`,
      );
    return claims[claim];
  };

  return {
    async expand(claims) {
      const { _claim_names: names, _claim_sources: sources } = claims;
      if (Object.hasOwn(claims, claim) || names === undefined) return undefined;
      if (!isObject(names)) throw new Error('oidc: error parsing distributed claim names');
      if (sources === undefined) throw new Error('oidc: no claim sources');
      if (!isObject(sources)) throw new Error('oidc: could not parse claim sources');
      const name = names[claim];
      if (typeof name !== 'string') return undefined;
      const source = sources[name] as Source | undefined;
      if (!source) throw new Error(`id token _claim_names contained a source ${name} missing in _claims_sources`);
      if (!source.endpoint) return undefined;
      return { ...claims, [claim]: await resolve(source) };
    },
  };
}
