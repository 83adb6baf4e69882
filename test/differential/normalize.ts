import type { Answer } from './send.ts';

const uid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

const masked: Record<string, string> = {
  resourceVersion: '<revision>',
  uid: '<uid>',
  auditID: '<uid>',
  serverAddress: '<address>',
  buildDate: '<time>',
  gitCommit: '<commit>',
  gitTreeState: '<state>',
  gitVersion: '<version>',
  compiler: '<compiler>',
  goVersion: '<version>',
  platform: '<platform>',
  hash: '<hash>',
  continue: '<token>',
  storageVersionHash: '<hash>',
};

/** What managers are listed by: the operation, the second of the write, and the rest where these are the same. */
const placeOf = (entry: unknown): string[] => {
  const { operation, time: at = '', manager, apiVersion, subresource = '' } = entry as Record<string, string>;
  return [operation ?? '', at, manager ?? '', apiVersion ?? '', subresource];
};

function inPlace(a: string[], b: string[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : (a[at] as string) < (b[at] as string) ? -1 : 1;
}

const inOrder = (key: string, value: unknown): unknown => {
  if (key === 'managedFields' && Array.isArray(value)) return value.toSorted((a, b) => inPlace(placeOf(a), placeOf(b)));
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
};

/** An object that a message shows, whose keys have no order that means anything. */
const shownInOrder = (text: string): string =>
  text.replace(/(?<=Invalid value: )"\{(?:[^"\\]|\\.)*\}"/g, (shown) => {
    try {
      return JSON.stringify(JSON.stringify(JSON.parse((JSON.parse(shown) as string).replace(time, '<time>')), inOrder));
    } catch {
      return shown;
    }
  });

/**
 * Managers in the order that they would have if all had written in one second, for when a second begins is chance. That
 * the answer had them in the order of their seconds is checked here, and told as one more entry where it had not.
 */
function normalizeManagers(entries: unknown[]): unknown[] {
  const places = entries.map(placeOf);
  const isOrdered = places.every((place, i) => i === 0 || inPlace(places[i - 1] as string[], place) <= 0);
  const items = entries.map((entry) => normalizeValue(entry));
  items.sort((a, b) => inPlace(placeOf(a), placeOf(b)));
  return isOrdered ? items : [...items, '<not in the order of operation, time and manager>'];
}

function normalizeValue(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    if (value !== '' && masked[key]) return masked[key];
    return shownInOrder(value)
      .replace(uid, '<uid>')
      .replace(time, '<time>')
      .replace(/\b10\.43\.\d+\.\d+\b/g, '<service address>')
      .replace(/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<generated>')
      .replace(/(resourceVersion\\?"?: ?\\?")\d+/g, '$1<revision>')
      .replace(/(nodePort\\?"?: ?)\d+/g, '$1<port>')
      .replace(/\bselfType\d+\b/g, 'selfType')
      .replace(/^\d+s$/, '<age>')
      .replace(/\b(diff-[a-z]-?|Bad_)[a-z0-9]{5}\b/g, '<generated>')
      .replace(/resource version \(?\d+\)?/g, 'resource version <revision>')
      .replace(/in record \(\d+\)/g, 'in record (<revision>)');
  }
  // Many texts of columns stand in upstream's program alone; those that the API's documentation has are served.
  if (key === 'columnDefinitions' && Array.isArray(value))
    return value.map((column) => normalizeValue({ ...(column as object), description: '<text>' }));
  if (key === 'managedFields' && Array.isArray(value)) return normalizeManagers(value);
  if (Array.isArray(value)) return value.map((v) => normalizeValue(v, key));
  if (typeof value !== 'object' || value === null)
    return key === 'nodePort' && typeof value === 'number' ? '<port>' : value;
  const entries = Object.entries(value).map(([k, v]) => [k, normalizeValue(v, k)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The answer with everything taken out that differs between two servers, or two runs of one, by right. */
export function normalize(answer: Answer): Answer {
  return {
    code: answer.code,
    type: answer.type.replace(/;\s*charset=utf-8/, ''),
    warnings: answer.warnings.map((w) => w.replace(/^299 \S+ /, '')),
    body: normalizeValue(answer.body),
  };
}

/** Where two values differ, as `path: theirs ≠ ours` lines, at most `limit`. */
export function differences(theirs: unknown, ours: unknown, path = '', limit = 12): string[] {
  if (Object.is(theirs, ours)) return [];
  const isTree = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null;
  if (isTree(theirs) && isTree(ours) && Array.isArray(theirs) === Array.isArray(ours)) {
    const keys = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])];
    return keys
      .flatMap((k) => differences(theirs[k], ours[k], path === '' ? k : `${path}.${k}`, limit))
      .slice(0, limit);
  }
  const text = (v: unknown): string => (v === undefined ? '(absent)' : JSON.stringify(v));
  return [`${path}: ${text(theirs)} ≠ ${text(ours)}`];
}
