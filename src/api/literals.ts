/** The texts of times and byte strings in their canonical form. */

const wholeSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const microSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

export class LiteralError extends Error {}

function parsed(text: string, layout: string): { date: Date; fraction: string } {
  const match = rfc3339.exec(text);
  const date = match ? new Date(`${text.slice(0, 19)}${match[8]}`) : undefined;
  if (!match || !date || Number.isNaN(date.getTime())) {
    const quoted = JSON.stringify(text);
    throw new LiteralError(`parsing time ${quoted} as "${layout}": cannot parse ${quoted} as "2006"`);
  }
  return { date, fraction: match[7] ?? '' };
}

/** Texts that were found canonical lately: the times of an object's fields come again with every write of it. */
const knownTimes = new Set<string>();
const mostKnownTimes = 10_000;

/** RFC 3339 in UTC with whole seconds. Throws LiteralError with upstream's message. */
export function canonicalTime(text: string): string {
  if (knownTimes.has(text)) return text;
  if (wholeSeconds.test(text) && !Number.isNaN(Date.parse(text))) {
    if (knownTimes.size >= mostKnownTimes) knownTimes.clear();
    knownTimes.add(text);
    return text;
  }
  return timeText(parsed(text, '2006-01-02T15:04:05Z07:00').date);
}

/** RFC 3339 in UTC with six decimals. */
export function canonicalMicroTime(text: string): string {
  if (microSeconds.test(text)) return text;
  const layout = '2006-01-02T15:04:05.000000Z07:00';
  const { date, fraction } = parsed(text, layout);
  const refuse = (found: string, expected: string): never => {
    const quoted = [text, found].map((part) => JSON.stringify(part));
    throw new LiteralError(`parsing time ${quoted[0]} as "${layout}": cannot parse ${quoted[1]} as "${expected}"`);
  };
  const rest = text.slice('2006-01-02T15:04:05'.length);
  if (fraction.length < 6) refuse(rest, '.000000');
  if (fraction.length > 6) refuse(rest.slice('.000000'.length), 'Z07:00');
  return `${timeText(date).slice(0, -1)}.${fraction}Z`;
}

let lastSecond = Number.NaN;
let lastText = '';

/** A moment as the API writes it: whole seconds. */
export function timeText(date: Date): string {
  const second = Math.floor(date.getTime() / 1000);
  if (second !== lastSecond) {
    lastText = `${date.toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** A moment as `MicroTime` fields write it. */
export const microTimeText = (date: Date): string => `${date.toISOString().slice(0, 23)}000Z`;

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard padded base64; line ends are dropped. Throws LiteralError with upstream's message. */
export function canonicalBase64(given: string): string {
  if (given.length < 100_000 ? base64.test(given) : isBase64(given)) return given;
  const text = given.replace(/[\r\n]/g, '');
  if (isBase64(text)) return text;
  const bad = text.search(/[^A-Za-z0-9+/]/);
  throw new LiteralError(`illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`);
}

/** Without a pattern over the whole text, whose repetition would exhaust the stack on long ones. */
function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  const body = text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text;
  return !/[^A-Za-z0-9+/]/.test(body);
}
