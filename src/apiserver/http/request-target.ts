/** Whether the path of a request holds a `%` that encodes nothing: Go's servers do not look further then. */
export function isMalformed(url: string): boolean {
  if (!url.includes('%')) return false;
  const mark = url.indexOf('?');
  return strayPercent.test(mark < 0 ? url : url.slice(0, mark));
}

const strayPercent = /%(?![0-9a-fA-F]{2})/;

/** What Go's reader of queries gives up on; it reads the other pairs all the same. */
const strayInQuery = /%(?![0-9a-fA-F]{2})|;/;

export function parseQuery(text: string): URLSearchParams {
  if (!strayInQuery.test(text)) return new URLSearchParams(text);
  const pairs = text.split('&').filter((pair) => !strayInQuery.test(pair));
  return new URLSearchParams(pairs.join('&'));
}
