import type { Environment } from '../environment.ts';
import type { LibraryValue } from '../values.ts';

const type = 'kubernetes.URL';

/** An absolute URL, or a path. */
class UrlValue implements LibraryValue {
  readonly celType = type;
  readonly text: string;
  readonly url: URL;
  readonly relative: boolean;
  constructor(text: string) {
    this.text = text;
    this.relative = text.startsWith('/');
    const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && URL.canParse(text);
    if (!this.relative && !absolute) {
      const why = `parse ${JSON.stringify(text)}: invalid URI for request`;
      throw new Error(`URL parse error during conversion from string: ${why}`);
    }
    this.url = new URL(text, 'http://unknown.invalid');
  }
  celEquals(other: UrlValue): boolean {
    return this.url.href === other.url.href;
  }
  toString(): string {
    return this.text;
  }
  /** What stands between `//` and the path: a parsed URL leaves out a port that is the scheme's own. */
  get authority(): string {
    const [, found = ''] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/.exec(this.text) ?? [];
    return this.relative ? '' : found;
  }
}

const isUrl = (text: string): boolean => {
  try {
    return new UrlValue(text) instanceof UrlValue;
  } catch {
    return false;
  }
};

function query({ url }: UrlValue): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const [key, value] of url.searchParams) result.set(key, [...(result.get(key) ?? []), value]);
  return result;
}

const path = ({ text, url }: UrlValue): string =>
  url.pathname === '/' && !/^[^?#]*[^/:]\/(?:[?#]|$)|^\//.test(text) ? '' : url.pathname;

/** Upstream: `cel/library/urls.go`. */
export function addUrlLibrary(environment: Environment): void {
  environment
    .registerOpaque(type)
    .registerFunction(`url(string): ${type}`, (text: string) => new UrlValue(text))
    .registerFunction('isURL(string): bool', isUrl)
    .registerFunction(`${type}.getScheme(): string`, (v: UrlValue) => (v.relative ? '' : v.url.protocol.slice(0, -1)))
    .registerFunction(`${type}.getHost(): string`, (v: UrlValue) => v.authority)
    .registerFunction(`${type}.getHostname(): string`, (v: UrlValue) =>
      v.authority.replace(/:\d*$/, '').replace(/^\[|\]$/g, ''),
    )
    .registerFunction(`${type}.getPort(): string`, (v: UrlValue) => /:(\d*)$/.exec(v.authority)?.[1] ?? '')
    .registerFunction(`${type}.getEscapedPath(): string`, path)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, query);
}
