import { type Environment, Optional } from '@marcbachmann/cel-js';
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from '../../../api/names.ts';
import { formatProblem } from '../../crd/formats.ts';
import { goPattern } from '../regex.ts';

class FormatValue {
  readonly check: (text: string) => readonly string[];
  constructor(check: (text: string) => readonly string[]) {
    this.check = check;
  }
}
class FormatNamespace {}
class JsonPatchNamespace {}
class UrlValue {
  readonly url: URL;
  readonly relative: boolean;
  constructor(text: string) {
    this.relative = text.startsWith('/');
    if (!this.relative && !URL.canParse(text))
      throw new Error(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      );
    this.url = new URL(text, 'http://unknown.invalid');
  }
}

const strfmt =
  (format: string, problem: string) =>
  (text: string): readonly string[] =>
    formatProblem(format, text) ? [problem] : [];
const prefixed = (check: (text: string) => string[]) => (text: string) => check(text.replace(/-$/, 'a'));

const formats: Readonly<Record<string, FormatValue>> = {
  dns1123Label: new FormatValue(isDns1123Label),
  dns1123Subdomain: new FormatValue(isDns1123Subdomain),
  dns1035Label: new FormatValue(isDns1035Label),
  qualifiedName: new FormatValue(isQualifiedName),
  dns1123LabelPrefix: new FormatValue(prefixed(isDns1123Label)),
  dns1123SubdomainPrefix: new FormatValue(prefixed(isDns1123Subdomain)),
  dns1035LabelPrefix: new FormatValue(prefixed(isDns1035Label)),
  labelValue: new FormatValue(isLabelValue),
  uri: new FormatValue((text) => (URL.canParse(text) || text.startsWith('/') ? [] : ['invalid URI for request'])),
  uuid: new FormatValue(strfmt('uuid', 'does not match the UUID format')),
  byte: new FormatValue(strfmt('byte', 'invalid base64')),
  date: new FormatValue(strfmt('date', 'invalid date')),
  datetime: new FormatValue(strfmt('date-time', 'invalid datetime')),
};

function addFormats(environment: Environment): void {
  environment
    .registerType('kubernetes.NamedFormat', { ctor: FormatValue, fields: {} })
    .registerType('FormatNamespace', FormatNamespace)
    .registerConstant('format', 'FormatNamespace', new FormatNamespace())
    .registerFunction('FormatNamespace.named(string): optional<kubernetes.NamedFormat>', (_: unknown, name: string) => {
      const found = Object.hasOwn(formats, name) ? formats[name] : undefined;
      return found ? Optional.of(found) : Optional.none();
    })
    .registerFunction(
      'kubernetes.NamedFormat.validate(string): optional<list<string>>',
      (by: FormatValue, text: string) => {
        const problems = by.check(text);
        return problems.length > 0 ? Optional.of([...problems]) : Optional.none();
      },
    );
  for (const [name, value] of Object.entries(formats))
    environment.registerFunction(`FormatNamespace.${name}(): kubernetes.NamedFormat`, () => value);
}

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value instanceof Map) return `{${[...value].map(([k, v]) => `${shown(k)}: ${shown(v)}`).join(', ')}}`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  return String(value);
};

/** The `format` of cel-go's strings library. */
function formatText(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replaceAll(/%%|%(?:\.(\d+))?([sdfexXbo])/g, (whole, digits: string | undefined, verb: string) => {
    if (whole === '%%') return '%';
    if (next >= values.length) throw new Error(`index ${next} out of range`);
    const value = values[next++];
    const number = value as bigint;
    switch (verb) {
      case 'd':
        return String(value);
      case 'f':
        return Number(value).toFixed(Number(digits ?? 6));
      case 'e':
        return Number(value)
          .toExponential(Number(digits ?? 6))
          .replace(/e([+-])(\d)$/, 'e$10$2');
      case 'x':
      case 'X': {
        const hex = typeof value === 'string' ? Buffer.from(value).toString('hex') : number.toString(16);
        return verb === 'X' ? hex.toUpperCase() : hex;
      }
      case 'b':
        return typeof value === 'boolean' ? String(Number(value)) : number.toString(2);
      case 'o':
        return number.toString(8);
      default:
        return shown(value);
    }
  });
}

function replaced(text: string, from: string, to: string, limit = -1n): string {
  if (limit < 0n) return text.replaceAll(from, () => to);
  let result = text;
  let at = 0;
  for (let n = 0n; n < limit; n++) {
    const found = result.indexOf(from, at);
    if (found < 0) break;
    result = result.slice(0, found) + to + result.slice(found + from.length);
    at = found + to.length + (from === '' ? 1 : 0);
  }
  return result;
}

function addStrings(environment: Environment): void {
  environment
    .registerFunction('string.charAt(int): string', (text: string, i: bigint) => {
      const points = [...text];
      if (i < 0n || i > BigInt(points.length)) throw new Error(`index out of range: ${i}`);
      return points[Number(i)] ?? '';
    })
    .registerFunction('string.replace(string, string): string', (t: string, a: string, b: string) => replaced(t, a, b))
    .registerFunction('string.replace(string, string, int): string', replaced)
    .registerFunction('string.reverse(): string', (text: string) => [...text].reverse().join(''))
    .registerFunction('string.format(list): string', formatText)
    .registerFunction('string.find(string): string', (t: string, p: string) => goPattern(p).exec(t)?.[0] ?? '')
    .registerFunction(
      'string.findAll(string): list<string>',
      (t: string, p: string) => t.match(goPattern(p, 'g')) ?? [],
    )
    .registerFunction('string.findAll(string, int): list<string>', (t: string, p: string, n: bigint) => {
      const all = t.match(goPattern(p, 'g')) ?? [];
      return n < 0n ? all : all.slice(0, Number(n));
    });
}

function addUrls(environment: Environment): void {
  const type = 'kubernetes.URL';
  const port = ({ url, relative }: UrlValue): string => (relative ? '' : url.port);
  environment
    .registerType(type, { ctor: UrlValue, fields: {} })
    .registerFunction(`url(string): ${type}`, (text: string) => new UrlValue(text))
    .registerFunction('isURL(string): bool', (text: string) => text.startsWith('/') || URL.canParse(text))
    .registerFunction(`${type}.getScheme(): string`, (v: UrlValue) => (v.relative ? '' : v.url.protocol.slice(0, -1)))
    .registerFunction(`${type}.getHost(): string`, (v: UrlValue) => (v.relative ? '' : v.url.host))
    .registerFunction(`${type}.getHostname(): string`, (v: UrlValue) =>
      v.relative ? '' : v.url.hostname.replace(/^\[|\]$/g, ''),
    )
    .registerFunction(`${type}.getPort(): string`, port)
    .registerFunction(`${type}.getEscapedPath(): string`, (v: UrlValue) => v.url.pathname)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, (v: UrlValue) => {
      const result = new Map<string, string[]>();
      for (const [key, value] of v.url.searchParams) result.set(key, [...(result.get(key) ?? []), value]);
      return result;
    })
    .registerOperator(`${type} == ${type}`, (a: UrlValue, b: UrlValue) => a.url.href === b.url.href);
}

/** Strings, regular expressions, URLs and formats. Upstream: `cel/library/{regex,urls,format,jsonpatch}.go`. */
export function addTextLibraries(environment: Environment): void {
  addStrings(environment);
  addUrls(environment);
  addFormats(environment);
  environment
    .registerType('JsonPatchNamespace', JsonPatchNamespace)
    .registerConstant('jsonpatch', 'JsonPatchNamespace', new JsonPatchNamespace())
    .registerFunction('JsonPatchNamespace.escapeKey(string): string', (_: unknown, key: string) =>
      key.replaceAll('~', '~0').replaceAll('/', '~1'),
    );
}
