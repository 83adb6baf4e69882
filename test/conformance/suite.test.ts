import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allTests, parseReport } from './suite.ts';

test('the list has the 446 conformance tests of 1.36, each once', async () => {
  const tests = await allTests();
  assert.equal(tests.length, 446);
  assert.equal(new Set(tests.map((t) => t.name)).size, 446);
});

test('a report gives the outcome of the wanted tests alone, labels after the name allowed', () => {
  const xml = `<testsuite>
    <testcase name="[It] [sig-a] works &#34;well&#34; [Conformance]" status="passed" time="1.5"><system-err>x</system-err></testcase>
    <testcase name="[It] [sig-a] breaks [Conformance] [sig-a, Conformance]" status="failed" time="2"><failure message="" type="f">Expected &lt;a&gt;</failure></testcase>
    <testcase name="[It] [sig-a] other" status="skipped" time="0"></testcase>
    <testcase name="[It] [sig-a] left [Conformance]" status="skipped" time="0"><skipped message="skipped"/></testcase>
  </testsuite>`;
  const wanted = new Set([
    '[sig-a] works "well" [Conformance]',
    '[sig-a] breaks [Conformance]',
    '[sig-a] left [Conformance]',
  ]);
  assert.deepStrictEqual(parseReport(xml, wanted), [
    { name: '[sig-a] works "well" [Conformance]', outcome: 'passed', seconds: 1.5, failure: '' },
    { name: '[sig-a] breaks [Conformance]', outcome: 'failed', seconds: 2, failure: 'Expected <a>' },
    { name: '[sig-a] left [Conformance]', outcome: 'skipped', seconds: 0, failure: '' },
  ]);
});
