import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goPattern } from './regex.ts';

test('patterns of Go match what they match there', () => {
  const cases: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'a-b', true],
    ['^[[:alpha:]_]+$', 'ab_', true],
    ['^[[:^digit:]]$', '5', false],
    ['[]a]', ']', true],
    ['^\\Qa-b.\\E$', 'a-b.', true],
    ['^(?i)s+$', 'Sſs', true],
    ['a(?i)b', 'aB', true],
    ['a(?i)b', 'AB', false],
    ['(?i:A)b', 'ab', true],
    ['(?m)^b$', 'a\nb', true],
    ['a.c', 'a\nc', false],
    ['(?s)a.c', 'a\nc', true],
    ['\\s', '\u00a0', false],
    ['^\\pL+\\p{Greek}$', 'éα', true],
    ['^\\x{78}\\101$', 'xA', true],
    ['^a{,2}$', 'a{,2}', true],
    ['(?P<n>a)(?<m>b)', 'ab', true],
  ];
  for (const [pattern, text, matches] of cases) assert.equal(goPattern(pattern).test(text), matches, pattern);
});

test('what is no pattern is told as Go tells it', () => {
  const problems: Readonly<Record<string, string>> = {
    '(a': 'missing closing ): `(a`',
    'a)': 'unexpected ): `a)`',
    'a[b': 'missing closing ]: `[b`',
    'a**': 'invalid nested repetition operator: `**`',
    '*a': 'missing argument to repetition operator: `*`',
    'a{1001}': 'invalid repeat count: `{1001}`',
    '[b-a]': 'invalid character class range: `b-a`',
    '[[:nope:]]': 'invalid character class range: `[:nope:]`',
    '\\p{Nope}': 'invalid character class range: `\\p{Nope}`',
    '(?=a)': 'invalid or unsupported Perl syntax: `(?=`',
    '(a)\\1': 'invalid escape sequence: `\\1`',
    'a\\': 'trailing backslash at end of expression: ``',
  };
  for (const [pattern, why] of Object.entries(problems))
    assert.throws(() => goPattern(pattern), { message: `error parsing regexp: ${why}` });
});

test('no pattern takes long', () => {
  const text = `${'a'.repeat(100)}b`;
  for (const pattern of ['^(a+)+$', '(?im)^(a+)+$', '^(\\p{Lu}|a|a)+$'])
    assert.equal(goPattern(pattern).test(text), false);
});
