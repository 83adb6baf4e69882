import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSpecReader, type TestResult } from './spec-reader.ts';

const line = '-'.repeat(30);

function read(text: string): (TestResult & { output: string })[] {
  const specs: (TestResult & { output: string })[] = [];
  const wanted = new Set(['[sig-a] works [Conformance]', '[sig-a] breaks [Conformance]', '[sig-a] left [Conformance]']);
  const reader = createSpecReader({ wanted, onSpec: (spec) => specs.push(spec) });
  for (const l of text.split('\n')) reader.line(l);
  reader.end();
  return specs;
}

test('each wanted test is told with its outcome, time, failure and output; labels after the name are allowed', () => {
  const specs = read(`${line}
[SynchronizedBeforeSuite] PASSED [0.1 seconds]
${line}
SSSSS
${line}
[sig-a] works [Conformance] [sig-a, Conformance]
/x.go:1
  STEP: one
• [0.151 seconds]
${line}
${line}
[sig-a] breaks [Conformance] [sig-a, Conformance]
  STEP: two
  [FAILED] in [It] - /x.go:9 @ 11/21/26
• [FAILED] [2.500 seconds]
[sig-a] breaks [It] [Conformance]
/x.go:2

  [FAILED] Expected
      <a>
  In [It] at: /x.go:9
${line}
${line}
[sig-a] left [Conformance]
S [SKIPPED] [0.010 seconds]
[sig-a] left [It] [Conformance]
${line}
[sig-a] other [Conformance]
• [1 seconds]
${line}`);
  assert.deepStrictEqual(
    specs.map(({ output, ...result }) => ({ ...result, lines: output.split('\n').length - 1 })),
    [
      { name: '[sig-a] works [Conformance]', outcome: 'passed', seconds: 0.151, failure: '', lines: 4 },
      { name: '[sig-a] breaks [Conformance]', outcome: 'failed', seconds: 2.5, failure: 'Expected\n<a>', lines: 10 },
      { name: '[sig-a] left [Conformance]', outcome: 'skipped', seconds: 0.01, failure: '', lines: 3 },
    ],
  );
});

test('a test that did not come to its end has no result', () => {
  assert.deepStrictEqual(read(`${line}\n[sig-a] works [Conformance]\n  STEP: one`), []);
});
