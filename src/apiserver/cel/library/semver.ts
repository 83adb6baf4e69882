import type { Environment } from '../environment.ts';
import type { LibraryValue } from '../values.ts';

const type = 'kubernetes.Semver';

class SemverValue implements LibraryValue {
  readonly celType = type;
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];
  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    this.numbers = numbers;
    this.pre = pre;
  }
  celEquals(other: SemverValue): boolean {
    return compare(this, other) === 0;
  }
}

const grammar =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** As upstream normalizes: no leading `v`, missing parts are 0, no leading zeros. */
function normalized(text: string): string {
  const [, numbers = '', rest = ''] = /^v?([\d.]*)(.*)$/.exec(text) ?? [];
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) parts.push('0');
  return `${parts.join('.')}${rest}`;
}

/** A version with fewer parts than three, of which none may say more. */
const isShort = (text: string): boolean =>
  /^v?[^.]*(\.[^.]*)?$/.test(text) && /[-+]/.test(text.split('.').at(-1) ?? '');

function parse(text: string, normalize = false): SemverValue | undefined {
  const found = normalize && isShort(text) ? null : grammar.exec(normalize ? normalized(text) : text);
  if (!found) return undefined;
  return new SemverValue(
    found.slice(1, 4).map((part) => BigInt(part ?? 0)),
    found[4]?.split('.') ?? [],
  );
}

function made(text: string, normalize = false): SemverValue {
  const value = parse(text, normalize);
  if (!value && normalize && isShort(text)) throw new Error('short version cannot contain PreRelease/Build meta data');
  if (!value) throw new Error(problem(text));
  return value;
}

/** Why a text is no version, in the words of the library that upstream has. */
function problem(text: string): string {
  if (text === '') return 'Version string empty';
  const parts = text.split(/[-+]/)[0]?.split('.') ?? [];
  if (parts.length < 3) return 'No Major.Minor.Patch elements found';
  for (const [i, name] of ['major', 'minor', 'patch'].entries()) {
    const shown = JSON.stringify(parts[i] ?? '');
    if (!/^\d+$/.test(parts[i] ?? '')) return `Invalid character(s) found in ${name} number ${shown}`;
    const what = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    if (/^0\d/.test(parts[i] ?? '')) return `${what} number must not contain leading zeroes ${shown}`;
  }
  return `Invalid character(s) found in prerelease ${JSON.stringify(text)}`;
}

function comparePart(a: string, b: string): number {
  const [isA, isB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isA && isB) return Number(BigInt(a) > BigInt(b)) - Number(BigInt(a) < BigInt(b));
  if (isA !== isB) return isA ? -1 : 1;
  return Number(a > b) - Number(a < b);
}

function compare(a: SemverValue, b: SemverValue): number {
  for (const [i, number] of a.numbers.entries()) {
    const other = b.numbers[i] ?? 0n;
    if (number !== other) return number > other ? 1 : -1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Number(a.pre.length === 0) - Number(b.pre.length === 0);
  for (let i = 0; i < Math.min(a.pre.length, b.pre.length); i++) {
    const order = comparePart(a.pre[i] ?? '', b.pre[i] ?? '');
    if (order !== 0) return order;
  }
  return Math.sign(a.pre.length - b.pre.length);
}

/** Upstream: `cel/library/semverlib.go`. */
export function addSemverLibrary(environment: Environment): void {
  environment
    .registerOpaque(type)
    .registerFunction(`semver(string): ${type}`, (text: string) => made(text))
    .registerFunction(`semver(string, bool): ${type}`, made)
    .registerFunction('isSemver(string): bool', (text: string) => parse(text) !== undefined)
    .registerFunction('isSemver(string, bool): bool', (text: string, n: boolean) => parse(text, n) !== undefined)
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: SemverValue, b: SemverValue) => compare(a, b) > 0)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: SemverValue, b: SemverValue) => compare(a, b) < 0)
    .registerFunction(`${type}.compareTo(${type}): int`, (a: SemverValue, b: SemverValue) => BigInt(compare(a, b)))
    .registerFunction(`${type}.major(): int`, (a: SemverValue) => BigInt.asIntN(64, a.numbers[0] ?? 0n))
    .registerFunction(`${type}.minor(): int`, (a: SemverValue) => BigInt.asIntN(64, a.numbers[1] ?? 0n))
    .registerFunction(`${type}.patch(): int`, (a: SemverValue) => BigInt.asIntN(64, a.numbers[2] ?? 0n));
}
