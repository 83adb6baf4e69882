import type { Environment } from '../environment.ts';
import { goPattern } from '../regex.ts';
import { formatText } from './format-text.ts';
import { escapes } from './texts.ts';

const pointsOf = (text: string): string[] => [...text];

function charAt(text: string, index: bigint): string {
  const points = pointsOf(text);
  if (index < 0n || index > BigInt(points.length)) throw new Error(`index out of range: ${index}`);
  return points[Number(index)] ?? '';
}

const matchesAt = (points: readonly string[], part: readonly string[], at: number): boolean =>
  part.every((point, i) => points[at + i] === point);

function indexOf(text: string, part: string, offset = 0n): bigint {
  if (part === '') return offset;
  const [points, wanted] = [pointsOf(text), pointsOf(part)];
  if (offset < 0n) throw new Error(`index out of range: ${offset}`);
  for (let i = Number(offset); i + wanted.length <= points.length; i++)
    if (matchesAt(points, wanted, i)) return BigInt(i);
  return -1n;
}

function lastIndexOf(text: string, part: string, given?: bigint): bigint {
  const [points, wanted] = [pointsOf(text), pointsOf(part)];
  if (part === '') return given ?? BigInt(points.length);
  const offset = given ?? BigInt(points.length - 1);
  if (given !== undefined && offset < 0n) throw new Error(`index out of range: ${offset}`);
  if (offset >= BigInt(points.length)) return -1n;
  for (let i = Math.min(Number(offset), points.length - wanted.length); i >= 0; i--)
    if (matchesAt(points, wanted, i)) return BigInt(i);
  return -1n;
}

function replaced(text: string, from: string, to: string, limit: bigint): string {
  if (limit < 0n && from === '') return [to, ...pointsOf(text).flatMap((point) => [point, to])].join('');
  if (limit < 0n) return text.replaceAll(from, () => to);
  let result = '';
  let rest = text;
  for (let n = 0n; n < limit; n++) {
    const at = from === '' && n > 0n ? (pointsOf(rest)[0]?.length ?? -1) : rest.indexOf(from);
    if (at < 0 || (from === '' && n > 0n && rest === '')) break;
    result += rest.slice(0, at) + to;
    rest = rest.slice(at + from.length);
  }
  return result + rest;
}

function split(text: string, separator: string, limit = -1n): string[] {
  if (limit === 0n) return [];
  const parts = separator === '' ? pointsOf(text) : text.split(separator);
  if (limit < 0n || parts.length <= Number(limit)) return parts;
  const kept = parts.slice(0, Number(limit) - 1);
  return [...kept, parts.slice(Number(limit) - 1).join(separator)];
}

function substring(text: string, start: bigint, end?: bigint): string {
  const points = pointsOf(text);
  const length = BigInt(points.length);
  if (end !== undefined && start > end) throw new Error(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > length) throw new Error(`index out of range: ${start}`);
  if (end !== undefined && (end < 0n || end > length)) throw new Error(`index out of range: ${end}`);
  return points.slice(Number(start), end === undefined ? undefined : Number(end)).join('');
}

const joined = (list: readonly unknown[], separator = ''): string =>
  list
    .map((item) => {
      if (typeof item !== 'string') throw new Error(`join: invalid input: ${String(item)}`);
      return item;
    })
    .join(separator);

/** At either end, as Go knows them. */
const spaces =
  /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

const quote = (text: string): string =>
  `"${pointsOf(text)
    .map((point) => escapes[point] ?? point)
    .join('')}"`;

const asciiLower = (text: string): string => text.replaceAll(/[A-Z]+/g, (found) => found.toLowerCase());
const asciiUpper = (text: string): string => text.replaceAll(/[a-z]+/g, (found) => found.toUpperCase());

function pattern(text: string, flags?: string): RegExp {
  try {
    return goPattern(text, flags);
  } catch (error) {
    throw new Error(`Illegal regex: ${(error as Error).message}`);
  }
}

const findAll = (text: string, by: string, limit = -1n): string[] => {
  const all = text.match(pattern(by, 'g')) ?? [];
  return limit < 0n ? all : all.slice(0, Number(limit));
};

/** For expressions that make JSON patches. Upstream: `cel/library/jsonpatch.go`. */
export const addPatchLibrary = (environment: Environment): Environment =>
  environment.registerFunction('jsonpatch.escapeKey(string): string', (key: string) =>
    key.replaceAll('~', '~0').replaceAll('/', '~1'),
  );

/** Upstream: cel-go's `ext/strings.go`, and `cel/library/regex.go`. */
export function addStringLibrary(environment: Environment): void {
  environment
    .registerFunction('string.charAt(int): string', charAt)
    .registerFunction('string.indexOf(string): int', (text: string, part: string) => indexOf(text, part))
    .registerFunction('string.indexOf(string, int): int', indexOf)
    .registerFunction('string.lastIndexOf(string): int', (text: string, part: string) => lastIndexOf(text, part))
    .registerFunction('string.lastIndexOf(string, int): int', lastIndexOf)
    .registerFunction('string.lowerAscii(): string', asciiLower)
    .registerFunction('string.upperAscii(): string', asciiUpper)
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      replaced(text, from, to, -1n),
    )
    .registerFunction('string.replace(string, string, int): string', replaced)
    .registerFunction('string.split(string): list<string>', (text: string, by: string) => split(text, by))
    .registerFunction('string.split(string, int): list<string>', split)
    .registerFunction('string.substring(int): string', (text: string, start: bigint) => substring(text, start))
    .registerFunction('string.substring(int, int): string', substring)
    .registerFunction('string.trim(): string', (text: string) => text.replaceAll(spaces, ''))
    .registerFunction('list<string>.join(): string', (list: unknown[]) => joined(list))
    .registerFunction('list<string>.join(string): string', joined)
    .registerFunction('string.format(list<dyn>): string', formatText)
    .registerFunction('strings.quote(string): string', quote)
    .registerFunction('string.find(string): string', (text: string, by: string) => pattern(by).exec(text)?.[0] ?? '')
    .registerFunction('string.findAll(string): list<string>', (text: string, by: string) => findAll(text, by))
    .registerFunction('string.findAll(string, int): list<string>', findAll);
}
