/** Attributes that hold an address, by element (upstream: `apimachinery/pkg/util/proxy/transport.go`). */
const linking: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** Elements whose text is no HTML. */
const opaque = new Set(['script', 'style', 'textarea', 'title', 'xmp']);
const tagName = /[a-z][^\s/>]*/iy;
const attribute = /([\s"'/])([^\s=>"'/]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;

const unquoted = (text: string): { quote: string; value: string } =>
  text[0] === '"' || text[0] === "'" ? { quote: text[0], value: text.slice(1, -1) } : { quote: '', value: text };

/** Behind the tag that begins at `start`; -1 when it has no end. What is quoted does not end it. */
function endOfTag(page: string, start: number): number {
  let quote = '';
  for (let at = start; at < page.length; at++) {
    const sign = page[at] as string;
    if (quote !== '') quote = sign === quote ? '' : quote;
    else if (sign === '>') return at + 1;
    else if (sign === '"' || sign === "'") quote = sign;
  }
  return -1;
}

/** The page with every address in it as `rewrite` has it; all else stays as it is. Takes one look at each letter. */
export function rewriteLinks(page: string, rewrite: (address: string) => string): string {
  const lower = page.toLowerCase();
  let done = '';
  let at = 0;
  for (let start = page.indexOf('<'); start >= 0; start = page.indexOf('<', at)) {
    done += page.slice(at, start);
    at = start;
    tagName.lastIndex = start + 1;
    const name = tagName.exec(lower)?.[0] ?? '';
    const comment = lower.startsWith('<!--', start);
    const end = comment ? page.indexOf('-->', start) : name === '' ? start + 1 : endOfTag(page, start);
    // Nothing after what does not end is a tag.
    if (end < 0) break;
    const names = comment ? undefined : linking[name];
    done += names ? rewriteTag(page.slice(start, end), names, rewrite) : page.slice(start, end);
    at = end;
    if (!opaque.has(name)) continue;
    const closing = lower.indexOf(`</${name}`, end);
    if (closing < 0) break;
    done += page.slice(end, closing);
    at = closing;
  }
  return done + page.slice(at);
}

const rewriteTag = (tag: string, names: readonly string[], rewrite: (address: string) => string): string =>
  tag.replace(attribute, (all, before: string, key: string, is: string, given: string) => {
    if (!names.includes(key.toLowerCase())) return all;
    const { quote, value } = unquoted(given);
    return `${before}${key}${is}${quote}${rewrite(value)}${quote}`;
  });

/**
 * An address on a proxied page as the client must ask for it: absolute paths of the target itself lead through the
 * proxy, everything else stays. `hosts` are the names that mean the target: its own, and the one that was asked for.
 */
export function proxiedAddress(address: string, at: { prefix: string; own: string; asked: string }): string {
  const [, origin = '', host = '', path = ''] = /^((?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*))?(.*)$/is.exec(address) ?? [];
  if (!path.startsWith('/') || (origin !== '' && host !== at.own && host !== at.asked)) return address;
  const kept = host !== '' && host === at.asked ? origin : '';
  return kept + (path.startsWith(at.prefix) ? path : at.prefix + path);
}
