/** How many characters all warnings of an answer have together, and from there on each one. */
const most = 4 * 1024;
const mostOfOne = 256;

/** RFC 7234 §5.5 with code 299 and no agent; undefined for what cannot stand in a header. */
function headerOf(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  const quoted = text.replaceAll(/["\\]/g, '\\$&');
  return `299 - "${Buffer.from(quoted).toString('latin1')}"`;
}

const shown = (texts: readonly string[]): string[] =>
  texts.map(headerOf).filter((header): header is string => header !== undefined);

/** The `Warning` headers of an answer, shortened where they are too much. Upstream: `filters/warning.go`. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)].filter((text) => text !== '');
  const sizes = texts.map((text) => (/\p{Cc}/u.test(text) ? 0 : [...text].length));
  if (sizes.reduce((sum, size) => sum + size, 0) <= most) return shown(texts);
  const kept: string[] = [];
  let written = 0;
  for (const text of texts) {
    if (written >= most) break;
    const characters = [...text].slice(0, mostOfOne);
    const short = characters.join('');
    kept.push(short);
    if (headerOf(short) !== undefined) written += characters.length;
  }
  return shown(kept);
}
