import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionEnvironment } from './admission-environment.ts';
import { CostError } from './cost.ts';
import { newEnvironment } from './environment.ts';
import { estimateCost } from './estimate.ts';
import { compileExpression, expressionProblem, readExpression } from './expression.ts';
import { boolType } from './types.ts';
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
  ];
  for (const text of truths) assert.equal(run(text), true, text);
});

test('what cannot be compiled is told as upstream tells it', () => {
  const problem = (text: string): string | undefined =>
    expressionProblem(text, {
      environment: newEnvironment().registerVariable('i', 'int').registerVariable('o', 'dyn'),
      returns: [boolType],
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
  for (let i = 30; i > 0; i--) text = `optional.of(s${i - 1} + s${i - 1}).optMap(s${i}, ${text}).value()`;
  assert.throws(() => run(`optional.of("abcdefgh").optMap(s0, ${text})`), CostError);
  assert.throws(() => run(`optional.of([1, 2, 3]).optMap(s0, ${text})`), CostError);
  assert.equal(run('s.matches("^(a+)+$")', { s: `${'a'.repeat(50)}b` }), false);
});

test('an expression that is too deep or too wrong is told as cel-go tells it', () => {
  const message = (text: string): string => {
    try {
      compileExpression(text, ['a']);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const tooDeep = 'compilation failed: ERROR: <input>:-1:0: max recursion depth exceeded';
  for (const more of ['+1', '.a', '[0]', ' == a']) {
    assert.equal(message(`a${more.repeat(250)}`), '', more);
    assert.equal(message(`a${more.repeat(251)}`), tooDeep, more);
  }
  assert.equal(
    message(`${'('.repeat(251)}a${')'.repeat(251)}`),
    tooDeep.replace('max', 'expression').replace('depth exceeded', 'limit exceeded: 250'),
  );
  assert.equal(run(`false${' || a'.repeat(3000)}`, { a: false }), false);
  for (const text of ['1 # '.repeat(5000), `[${'b,'.repeat(150)}]`])
    assert.match(message(text), /\n(?:1|50) more errors were truncated$/);
  assert.match(message(`${'😀 '.repeat(30_000)}`), /truncated$/);
});

test('message literals of mutations', () => {
  const patching = (text: string, values: Record<string, unknown>): unknown => {
    const environment = admissionEnvironment({ patches: true }).clone();
    for (const name of Object.keys(values)) environment.registerVariable(name, 'dyn');
    return jsonOf(compileExpression(text, environment)(values));
  };
  assert.deepEqual(patching('Object{spec: Object.spec{replicas: n, template: {"a": [1]}}}', { n: 3 }), {
    spec: { replicas: 3, template: { a: [1] } },
  });
  assert.deepEqual(
    patching('[JSONPatch{op: "add", path: "/a/" + k, value: Object{x: true ? "{" : "}"}}]', { k: 'b' }),
    [{ op: 'add', path: '/a/b', value: { x: '{' } }],
  );
  assert.equal(patching('jsonpatch.escapeKey("a/b~c") == "a~1b~0c"', {}), true);
});

test('what an expression costs at the most', () => {
  const environment = newEnvironment().registerVariable('l', 'list<string>').registerVariable('s', 'string');
  const cost = (text: string): number => {
    const read = readExpression(text, environment);
    if ('problem' in read) throw new Error(read.problem);
    return estimateCost(read.tree, read.checked, (path) => ({ min: 0, max: path.length > 1 ? 20 : 10 })).max;
  };
  assert.equal(cost('true'), 0);
  assert.equal(cost('s == "abc"'), 2);
  assert.equal(cost('l.all(x, x == s)'), 62);
  assert.equal(cost('l.all(x, l.all(y, x == y))'), 752);
  assert.equal(cost('s.matches("a+b+")'), 3);
  assert.equal(cost('l.sort() == l'), 224);
});
