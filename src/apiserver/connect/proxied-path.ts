/** The path that a proxied request has at its target, and what stood before it, query included in neither. */
export interface ProxiedPath {
  /** Starts with a slash, but for what is asked for without one: that is empty. */
  readonly path: string;
  /** Up to and with `/proxy`. */
  readonly prefix: string;
  /** With its question mark, or empty. */
  readonly query: string;
}

/** Namespaces, names and the target's own path may have the word in them too: it is looked for by its place. */
const place = /^(\/api\/v1(?:\/namespaces\/[^/]+)?\/[^/]+\/[^/]+\/proxy)(\/.*)?$/;

export function proxiedPath(url: string): ProxiedPath {
  const mark = url.indexOf('?');
  const raw = mark < 0 ? url : url.slice(0, mark);
  const [, prefix = raw, path = ''] = place.exec(raw) ?? [];
  return { path, prefix, query: mark < 0 ? '' : url.slice(mark) };
}
