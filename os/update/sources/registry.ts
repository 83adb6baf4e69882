import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { messageOf } from '../../../src/base/errors.ts';
import { download } from './http.ts';
import type { OciStore } from './oci.ts';
import { sourceError } from './source.ts';

export interface Reference {
  readonly host: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
}

/** `host[:port]/repository[:tag][@digest]`; the host is always named. */
export function parseReference(text: string): Reference | undefined {
  const match =
    /^((?:[a-z0-9-]+\.)+[a-z0-9-]+(?::\d+)?|[a-z0-9-]+:\d+|localhost|\[[0-9a-f:]+\](?::\d+)?)\/([a-z0-9._/-]+?)(?::([\w][\w.-]{0,127}))?(?:@([a-z0-9]+:[0-9a-f]+))?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, host = '', repository = '', tag = 'latest', digest] = match;
  return { host, repository, reference: digest ?? tag };
}

/** For an answer that is short. */
const patienceMs = 60_000;

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** What `registries.yaml` says about a host's user. */
async function credentialsFor(host: string, registries: string): Promise<string | undefined> {
  const text = await readFile(registries, 'utf8').catch(() => '');
  const auth = (parse(text) as { configs?: Record<string, { auth?: Record<string, string> }> } | null)?.configs?.[host]
    ?.auth;
  if (auth?.auth !== undefined) return auth.auth;
  return auth?.username === undefined
    ? undefined
    : Buffer.from(`${auth.username}:${auth.password ?? ''}`).toString('base64');
}

/** Answers a registry's challenge: with the user's password, or with a token for this repository. */
async function answerChallenge(challenge: string, reference: Reference, basic: string | undefined): Promise<string> {
  if (/^basic/i.test(challenge)) {
    if (basic === undefined)
      throw sourceError(`${reference.host} wants a user and a password: name them in registries.yaml`);
    return `Basic ${basic}`;
  }
  const field = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = field('realm');
  if (realm === undefined) throw sourceError(`${reference.host} wants to know who asks, in a way that is not known`);
  const url = new URL(realm);
  const service = field('service');
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', field('scope') ?? `repository:${reference.repository}:pull`);
  const headers: Record<string, string> = basic === undefined ? {} : { authorization: `Basic ${basic}` };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(patienceMs) });
  if (!response.ok) throw sourceError(`${url.host} gives no token for ${reference.repository}: ${response.status}`);
  const answer = (await response.json()) as { token?: string; access_token?: string };
  return `Bearer ${answer.token ?? answer.access_token ?? ''}`;
}

/** A repository of a registry that speaks the OCI distribution protocol. */
export function registryStore(
  reference: Reference,
  options: { plainHttp?: boolean; registries?: string } = {},
): OciStore {
  const { host, repository } = reference;
  const base = `${options.plainHttp ? 'http' : 'https'}://${host}/v2/${repository}`;
  const name = `${host}/${repository}`;
  let authorization: string | undefined;

  const ask = async (url: string): Promise<Response> => {
    const send = (): Promise<Response> =>
      fetch(url, {
        headers: { accept, ...(authorization === undefined ? {} : { authorization }) },
        signal: AbortSignal.timeout(patienceMs),
      });
    try {
      const first = await send();
      if (first.status !== 401) return first;
      await first.body?.cancel();
      const basic = await credentialsFor(host, options.registries ?? '/etc/rancher/k3s/registries.yaml');
      authorization = await answerChallenge(first.headers.get('www-authenticate') ?? '', reference, basic);
      return await send();
    } catch (error) {
      throw sourceError(`${url}: ${messageOf((error as { cause?: unknown }).cause ?? error)}`, error);
    }
  };

  return {
    name,
    async manifest(wanted) {
      const url = `${base}/manifests/${wanted}`;
      const response = await ask(url);
      if (response.status === 404) throw sourceError(`${host} has no ${repository} ${wanted}: it answered 404`);
      if (!response.ok) throw sourceError(`${url}: the registry answered ${response.status}`);
      return response.json().catch((error: unknown) => {
        throw sourceError(`${url} is no manifest: ${messageOf(error)}`, error);
      });
    },
    blob(digest) {
      const url = `${base}/blobs/${digest}`;
      const headers = (): Record<string, string> => (authorization === undefined ? {} : { authorization });
      const renew = async (): Promise<Record<string, string>> => {
        authorization = undefined;
        await (await ask(url)).body?.cancel();
        return headers();
      };
      return download(url, { headers: headers(), renew });
    },
  };
}
