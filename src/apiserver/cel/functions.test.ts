import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newEnvironment } from './environment.ts';
import { compileExpression, expressionProblem } from './expression.ts';

const data = { n: 3, z: 0, s: 'text', l: [1, 2, 3], time: '2021-02-03T04:05:06+02:00', wrong: '2021-02-30T04:05:06Z' };

/** What `%s` makes of the value of an expression, or what its evaluation says. */
function outcome(expression: string): string {
  try {
    return String(compileExpression(`"%s".format([${expression}])`, Object.keys(data))(data));
  } catch (error) {
    return `! ${(error as Error).message}`;
  }
}

/** As upstream's server answers. */
const outcomes: Readonly<Record<string, string>> = {
  // Texts of values.
  '1e6': '1e+06',
  '100000.0': '100000',
  '0.0001': '0.0001',
  '-0.0': '-0',
  'double("Inf")': '+Inf',
  '[1.0, double("-Inf")]': '[1.000000, "-Inf"]',
  '["a\\n\\u200b"]': '["a\\n\\u200b"]',
  'b"\\xff"':
    '! error during formatting: could not convert argument "invalid UTF-8 in bytes, cannot convert to string" to string',
  '"%f".format([1234567.891])': '1,234,567.891000',
  '"%.0f".format([2.5]) + "%.1f".format([999.96])': '21,000.0',
  '"%.1f".format([0.25]) + "%.2f".format([1e21])': '0.21,000,000,000,000,000,000,000.00',
  '"%e".format([-1.5e-9])': '-1.500000×10⁻⁰⁹',
  '"%f".format(["-Infinity"])': '-∞',
  '"%f".format([dyn(n)])': '! error during formatting: fixed-point clause can only be used on doubles, was given int',
  '(s + "%").format([1])': '! unexpected end of string',
  's.format([1])': 'text',
  // Conversions and numbers.
  'int(double(s == "" ? "1" : "NaN"))': '! integer overflow',
  'int(dyn(true))': '! program instantiation failed: no such overload: int(bool)',
  'duration(n)': "! type conversion error from 'int' to 'google.protobuf.Duration'",
  'double("1_0.5")': '10.5',
  '(-9223372036854775807 - 1) % -1': '! integer overflow',
  '9007199254740993 > 9007199254740992.0': 'false',
  'n / z': '! division by zero',
  // Times.
  'timestamp(time)': '2021-02-03T04:05:06+02:00',
  'timestamp(time) + duration("1h")': '2021-02-03T05:05:06+02:00',
  'timestamp(time).getHours()': '2',
  'timestamp(time).getHours("-2:30")': '23',
  'timestamp(time).getHours("europe/berlin")': '! unknown time zone europe/berlin',
  'timestamp(time).getHours("a:b")': '! strconv.Atoi: parsing "a": invalid syntax',
  'timestamp(wrong)': "! type conversion error from 'string' to 'google.protobuf.Timestamp'",
  'duration("1.5s").getMilliseconds()': '1500',
  // Lists, and what has no form for what it is given.
  '[dyn(1), dyn("a")].join("-")': '! no such overload: join(list, string)',
  '[dyn("a")].sum()': '! no such overload: sum(list)',
  '[dyn(1), dyn(2.5)].sum()': '! no such overload',
  '[dyn(1), dyn("a")].max()': '1',
  '[dyn(1), dyn("a")].sort()': '! list elements must have the same type',
  '[null].sort()': '! list elements must be comparable',
  '[1, [2, [3]]].flatten()': '[1, 2, [3]]',
  'null + null': '! no such overload: _+_',
  'dyn(1) + "a"': '! no such overload',
  'dyn(1).hasValue()': '! no such overload: hasValue(int)',
  'dyn(1).orValue(2)': '1',
  'has(n.x)': 'false',
  'n.x': '! no such key: x',
  'l.x': "! unsupported index type 'string' in list",
  'l[dyn("a")]': "! unsupported index type 'string' in list",
  'l[9]': '! index out of bounds: 9',
  'n.map(x, x)': "! got 'types.Int', expected iterable type",
  '{"a": 1, "a": 2}': '{"a":2}',
  '"h\u{1f600}".replace("", "-")': '-h-\u{1f600}-',
  '"\\u0085a\\ufeff".trim()': 'a\ufeff',
  'optional.ofNonZeroValue(duration("0s")).hasValue()': 'false',
  'type(cidr("::/0")) == net.CIDR': 'true',
};

test('functions and operators give what they give upstream', () => {
  for (const [expression, wanted] of Object.entries(outcomes)) assert.equal(outcome(expression), wanted, expression);
});

/** At which place, and why they cannot be compiled. */
const problems: Readonly<Record<string, string>> = {
  '"%s%".format([1])': ':1:13: unexpected end of string',
  '"%.3".format([1.0])':
    ':1:13: could not parse formatting clause: error while parsing precision: could not find end of precision specifier',
  '"%5d".format([1])': ':1:13: could not parse formatting clause: unrecognized formatting clause "5"',
  '"%s".format([["a", optional.of(1)]])':
    ':1:31: error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type',
  '"%d".format([[1]])': ':1:14: error during formatting: decimal clause can only be used on integers, was given list',
  'duration(5)': ':1:10: invalid duration argument',
  'timestamp("2021-02-30T00:00:00Z")': ':1:11: invalid timestamp argument',
  'kubernetes.Quantity': ":1:1: undeclared reference to 'kubernetes' (in container '')",
  '-duration("1s")': ":1:1: found no matching overload for '-_' applied to '(duration)'",
};

test('what is wrong with literals is told where they stand', () => {
  const environment = newEnvironment();
  for (const [expression, wanted] of Object.entries(problems)) {
    const [first] = (expressionProblem(expression, { environment }) ?? '').split('\n');
    assert.equal(first, `compilation failed: ERROR: <input>${wanted}`, expression);
  }
});
