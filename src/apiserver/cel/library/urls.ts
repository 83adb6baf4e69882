import type { Environment } from '../environment.ts';
import type { LibraryValue } from '../values.ts';

const type = 'kubernetes.URL';

/** An absolute URL, or a path, in its parts as Go's `net/url` takes them apart. */
class UrlValue implements LibraryValue {
  readonly celType = type;
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  constructor(text: string) {
    const why = urlProblem(text);
    if (why !== undefined) throw new Error(`URL parse error during conversion from string: ${why}`);
    const [, scheme = '', authority = '', path = '', query = ''] = parts.exec(text) ?? [];
    this.text = text;
    this.scheme = scheme.toLowerCase();
    this.host = authority.slice(authority.lastIndexOf('@') + 1);
    // What follows a scheme and is no path, as in `mailto:a@b`, is none of these.
    this.path = scheme === '' || path.startsWith('/') ? path : '';
    this.query = query;
  }
  celEquals(other: UrlValue): boolean {
    return this.text === other.text;
  }
  toString(): string {
    return this.text;
  }
}

const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/;

const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/s;
const controls = /[^ -~\u0080-\u{10ffff}]/u;

/** Why a text is neither an absolute URL nor a path, as Go says it; undefined when it is one. */
export function urlProblem(text: string): string | undefined {
  const refused = (why: string): string => `parse ${JSON.stringify(text)}: ${why}`;
  if (controls.test(text)) return refused('net/url: invalid control character in URL');
  if (text === '') return refused('empty url');
  if (text === '*') return undefined;
  if (text.startsWith(':')) return refused('missing protocol scheme');
  const [, scheme, authority, path = ''] = parts.exec(text) ?? [];
  if (scheme === undefined && !text.startsWith('/')) return refused('invalid URI for request');
  if (scheme !== undefined && authority === undefined && !path.startsWith('/')) return undefined;
  const why = hostProblem(authority ?? '') ?? escapeProblem(path);
  return why === undefined ? undefined : refused(why);
}

function escapeProblem(text: string): string | undefined {
  const [bad] = badEscape.exec(text) ?? [];
  return bad === undefined ? undefined : `invalid URL escape ${JSON.stringify(bad)}`;
}

function hostProblem(authority: string): string | undefined {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.startsWith('[') && !host.includes(']')) return "missing ']' in host";
  const [port] = /(?<=\])[^\]]*$/.exec(host) ?? /:.*$/.exec(host) ?? [''];
  if (!/^(?::\d*)?$/.test(port)) return `invalid port ${JSON.stringify(port)} after host`;
  const [bad] = /%(?:[0-7][0-9A-Fa-f]|(?![0-9A-Fa-f]{2}).{0,2})/s.exec(host) ?? [];
  if (bad !== undefined && bad !== '%25') return `invalid URL escape ${JSON.stringify(bad)}`;
  const [character] = /[ "\\^`{|}]/.exec(host.replaceAll(/["<>]/g, '')) ?? [];
  return character === undefined ? undefined : `invalid character ${JSON.stringify(character)} in host name`;
}

/** Pairs of which a part cannot be decoded are left out, as are those with a semicolon. */
function query(url: UrlValue): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const pair of url.query.split('&')) {
    if (pair === '' || pair.includes(';') || badEscape.test(pair)) continue;
    for (const [key, value] of new URLSearchParams(pair)) result.set(key, [...(result.get(key) ?? []), value]);
  }
  return result;
}

/** As it was written, but for what must be escaped. */
const escapedPath = ({ path }: UrlValue): string =>
  path.replaceAll(/[^A-Za-z0-9\-_.~!$&'()*+,/:;=@%[\]]/gu, encodeURIComponent);

/** Upstream: `cel/library/urls.go`. */
export function addUrlLibrary(environment: Environment): void {
  environment
    .registerOpaque(type)
    .registerFunction(`url(string): ${type}`, (text: string) => new UrlValue(text))
    .registerFunction('isURL(string): bool', (text: string) => urlProblem(text) === undefined)
    .registerFunction(`${type}.getScheme(): string`, (v: UrlValue) => v.scheme)
    .registerFunction(`${type}.getHost(): string`, (v: UrlValue) => v.host)
    .registerFunction(`${type}.getHostname(): string`, (v: UrlValue) =>
      v.host.replace(/:\d*$/, '').replace(/^\[|\]$/g, ''),
    )
    .registerFunction(`${type}.getPort(): string`, (v: UrlValue) => /:(\d*)$/.exec(v.host)?.[1] ?? '')
    .registerFunction(`${type}.getEscapedPath(): string`, escapedPath)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, query);
}
