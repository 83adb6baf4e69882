import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CostError } from './cost.ts';
import { newEnvironment } from './environment.ts';
import { compileExpression, expressionProblem } from './expression.ts';
import { jsonOf } from './values.ts';

const run = (text: string, values: Record<string, unknown> = {}): unknown =>
  jsonOf(compileExpression(text, Object.keys(values))(values));

test('the libraries of Kubernetes', () => {
  const truths = [
    'quantity("1.5Gi").add(quantity("512Mi")).compareTo(quantity("2Gi")) == 0',
    'quantity("1") == quantity("1000m")',
    'isQuantity("20M") && !isQuantity("20 M")',
    'semver("1.2.3-rc.1").isLessThan(semver("1.2.3")) && semver("v1.2", true).minor() == 2',
    'ip("192.168.0.1").family() == 4 && ip("fe80::1").isLinkLocalUnicast()',
    'ip.isCanonical("::1") && !ip.isCanonical("::0001")',
    'cidr("192.168.0.0/16").containsIP("192.168.3.4") && cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8")',
    'cidr("2001:db8::/32").containsCIDR(cidr("2001:db8:1::/48")) && string(cidr("10.0.0.0/8").ip()) == "10.0.0.0"',
    'url("https://a.example:8080/x?y=1&y=2").getPort() == "8080" && isURL("/x")',
    'url("https://a.example/x?y=1&y=2").getQuery()["y"] == ["1", "2"]',
    '[3, 1, 2].sort() == [1, 2, 3] && [1, 2].isSorted() && [1, 2].sum() == 3 && [1, 5, 2].max() == 5',
    '[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && [1, 1].distinct() == [1]',
    'sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 1], [1]) && sets.intersects(["a"], ["a", "b"])',
    '"abc 123".find("[0-9]+") == "123" && "a1b2".findAll("[0-9]") == ["1", "2"]',
    'format.dns1123Label().validate("a.b").hasValue() && !format.named("nope").hasValue()',
    '"%s has %d".format(["x", 3]) == "x has 3" && "aXbX".replace("X", "-") == "a-b-"',
    'jsonpatch.escapeKey("a/b~c") == "a~1b~0c"',
  ];
  for (const text of truths) assert.equal(run(text), true, text);
});

test('what cannot be compiled is told as upstream tells it', () => {
  const problem = (text: string): string | undefined =>
    expressionProblem(text, {
      environment: newEnvironment().registerVariable('i', 'int').registerVariable('o', 'dyn'),
      returns: ['bool'],
    });
  assert.equal(problem('i > 1'), undefined);
  assert.match(problem("i > '1'") ?? '', /found no matching overload for '_>_' applied to '\(int, string\)'/);
  assert.match(problem("'x' + i") ?? '', /found no matching overload for '_\+_' applied to '\(string, int\)'/);
  assert.equal(
    problem('nope == 1'),
    "compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope == 1\n | ^",
  );
  assert.match(problem('o.foo() == 1') ?? '', /undeclared reference to 'foo'/);
  assert.match(problem('i +') ?? '', /Syntax error: mismatched input '<EOF>' expecting/);
  assert.equal(problem('i'), 'must evaluate to bool but got int');
});

test('has of a field of anything', () => {
  const values = { o: { l: [{ a: 1 }], m: { k: {} } }, i: 0 };
  assert.equal(run('has(o.l[0].a) && !has(o.l[0].b) && !has(o.m["k"].x) && has(o.?m.k)', values), true);
  assert.throws(() => run('has(o.x.y)', values), { message: 'no such key: x' });
});

test('what goes wrong in an evaluation', () => {
  assert.throws(() => run('o.z', { o: { a: 1 } }), { message: 'no such key: z' });
  assert.throws(() => run('o.a + "x"', { o: { a: 1 } }), { message: 'no such overload' });
  assert.equal(run('o.constructor', { o: { constructor: 'x' } }), 'x');
});

test('nothing runs without an end', () => {
  const list = Array.from({ length: 500 }, (_, i) => i);
  assert.throws(() => run('l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d > -1))))', { l: list }), CostError);
  assert.throws(() => run('l.exists(a, l.exists(b, l.exists(c, a + b + c < 0)))', { l: list }), CostError);
  let text = 'size(s30)';
  for (let i = 30; i > 0; i--) text = `cel.bind(s${i}, s${i - 1} + s${i - 1}, ${text})`;
  assert.throws(() => run(`cel.bind(s0, "abcdefgh", ${text})`), CostError);
  assert.throws(() => run(`cel.bind(s0, [1, 2, 3], ${text})`), CostError);
  assert.equal(run('s.matches("^(a+)+$")', { s: `${'a'.repeat(50)}b` }), false);
});

test('message literals of mutations', () => {
  assert.deepEqual(run('Object{spec: Object.spec{replicas: n, template: {"a": [1]}}}', { n: 3 }), {
    spec: { replicas: 3, template: { a: [1] } },
  });
  assert.deepEqual(run('[JSONPatch{op: "add", path: "/a/" + k, value: Object{x: true ? "{" : "}"}}]', { k: 'b' }), [
    { op: 'add', path: '/a/b', value: { x: '{' } },
  ]);
});
