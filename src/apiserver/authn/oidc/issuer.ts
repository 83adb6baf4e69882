import { type Agent, request } from 'node:https';
import { boundedText } from '../../../base/bounded-text.ts';
import { keysOfSet, type VerificationKey } from './signature.ts';

const patienceMs = 30_000;
const answerLimit = 4 * 1024 * 1024;
const redirectsFollowed = 10;

export interface FetchedText {
  readonly status: number;
  readonly text: string;
}

/** GETs over TLS; redirects to https are followed. */
export async function fetchText(
  address: string,
  options: { agent: Agent; ca: string | undefined; token?: string },
): Promise<FetchedText> {
  let url = new URL(address);
  for (let turn = 0; ; turn++) {
    const answer = await fetchOnce(url, options);
    if (answer.location === undefined) return answer;
    if (turn >= redirectsFollowed) throw new Error('stopped after 10 redirects');
    url = new URL(answer.location, url);
    if (url.protocol !== 'https:') throw new Error(`redirected to ${url.protocol}//${url.host}, which is not https`);
  }
}

function fetchOnce(
  url: URL,
  { agent, ca, token }: { agent: Agent; ca: string | undefined; token?: string },
): Promise<FetchedText & { location?: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<FetchedText & { location?: string }>();
  const failed = (error: Error): void => reject(new Error(`Get ${JSON.stringify(url.href)}: ${error.message}`));
  const outgoing = request(
    url,
    {
      agent,
      ...(ca === undefined ? {} : { ca }),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(patienceMs),
    },
    (answer) => {
      const status = answer.statusCode ?? 0;
      const { location } = answer.headers;
      if (status >= 300 && status < 400 && location !== undefined) {
        answer.resume();
        resolve({ status, text: '', location });
        return;
      }
      boundedText(answer, answerLimit).then((text) => resolve({ status, text }), failed);
    },
  );
  outgoing.on('error', failed);
  outgoing.end();
  return promise;
}

/** What the keys of an issuer verify. */
export interface IssuerKeys {
  /** Whether a key verifies; the set is fetched again when none of those known does. */
  verified(check: (key: VerificationKey) => boolean, keyId: string): Promise<boolean>;
}

/** Reads an issuer's discovery document; its keys are fetched when they are needed, and again when they change. */
export async function discoverIssuer(options: {
  url: string;
  discoveryUrl: string | undefined;
  ca: string | undefined;
  agent: Agent;
  /** Hears of each time that the keys are asked for, with the answer where it was of use. */
  fetched?: (keySet: string | undefined) => void;
}): Promise<IssuerKeys> {
  const { url, discoveryUrl, ca, agent } = options;
  const at = discoveryUrl ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { status, text } = await fetchText(at, { agent, ca });
  if (status !== 200) throw new Error(`${status}: ${text.slice(0, 500)}`);
  let document: { issuer?: unknown; jwks_uri?: unknown };
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new Error(`oidc: failed to decode provider discovery object: ${(error as Error).message}`);
  }
  if (document.issuer !== url)
    throw new Error(
      `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(document.issuer ?? '')}`,
    );
  const { jwks_uri: keysUrl } = document;
  if (typeof keysUrl !== 'string' || keysUrl === '') throw new Error('provider did not return JWKS URL');
  return createIssuerKeys(() => fetchText(keysUrl, { agent, ca }), options.fetched);
}

export function createIssuerKeys(
  fetchSet: () => Promise<FetchedText>,
  fetched: (keySet: string | undefined) => void = () => {},
): IssuerKeys {
  let known: readonly VerificationKey[] = [];
  let fetching: Promise<readonly VerificationKey[]> | undefined;

  const readSet = async (): Promise<string> => {
    const { status, text } = await fetchSet().catch((error: Error) => {
      throw new Error(`oidc: get keys failed ${error.message}`);
    });
    if (status !== 200) throw new Error(`oidc: get keys failed: ${status} ${text.slice(0, 500)}`);
    try {
      known = keysOfSet(JSON.parse(text));
    } catch (error) {
      throw new Error(`oidc: failed to decode keys: ${(error as Error).message} ${text.slice(0, 500)}`);
    }
    return text;
  };
  const fetchKeys = async (): Promise<readonly VerificationKey[]> => {
    let keySet: string | undefined;
    try {
      keySet = await readSet();
    } finally {
      fetched(keySet);
    }
    return known;
  };
  return {
    async verified(check, keyId) {
      const one = (keys: readonly VerificationKey[]): boolean =>
        keys.some((key) => (keyId === '' || key.id === keyId) && check(key));
      if (one(known)) return true;
      fetching ??= fetchKeys().finally(() => {
        fetching = undefined;
      });
      const keys = await fetching.catch((error: Error) => {
        throw new Error(`fetching keys ${error.message}`);
      });
      return one(keys);
    },
  };
}
