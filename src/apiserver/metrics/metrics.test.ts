import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdmissionChain } from '../admission/chain.ts';
import type { AdmissionPlugin } from '../admission/plugin.ts';
import { attributes } from '../admission/testing.ts';
import { createAdmissionMetrics } from './admission.ts';
import { createHistograms } from './histogram.ts';

test('values are counted into all ranges that hold them', () => {
  const histograms = createHistograms({ name: 'h', help: 'Help.', labels: ['a'], bounds: [1, 2] });
  assert.equal(histograms.render(), '');
  for (const value of [0.5, 1, 1.5, 9]) histograms.of('x"').observe(value);
  assert.equal(
    histograms.render(),
    [
      '# HELP h Help.',
      '# TYPE h histogram',
      'h_bucket{a="x\\"",le="1"} 2',
      'h_bucket{a="x\\"",le="2"} 3',
      'h_bucket{a="x\\"",le="+Inf"} 4',
      'h_sum{a="x\\""} 12',
      'h_count{a="x\\""} 4',
      '',
    ].join('\n'),
  );
});

test('what plug-ins take is told of each and of all, refusals apart', async () => {
  const metrics = createAdmissionMetrics();
  const plugin = (name: string, work: AdmissionPlugin['validate']): AdmissionPlugin =>
    ({ name, operations: ['CREATE'], validate: work }) as AdmissionPlugin;
  const chain = createAdmissionChain(
    [
      plugin('Quick', () => {}),
      plugin('Slow', async (a) => {
        if (a.name === 'bad') throw new Error('no');
      }),
    ],
    metrics,
  );
  const ask = (name: string) => chain.validate(attributes({ on: '/configmaps', object: { metadata: { name } } }));
  await ask('good');
  await assert.rejects(async () => ask('bad'), /no/);
  const counts = metrics
    .render()
    .split('\n')
    .filter((line) => line.includes('_count{'));
  const name = (what: string) => `apiserver_admission_${what}_admission_duration_seconds_count`;
  assert.deepStrictEqual(counts, [
    `${name('controller')}{name="Quick",operation="CREATE",rejected="false",type="validate"} 2`,
    `${name('controller')}{name="Slow",operation="CREATE",rejected="false",type="validate"} 1`,
    `${name('controller')}{name="Slow",operation="CREATE",rejected="true",type="validate"} 1`,
    `${name('step')}{operation="CREATE",rejected="false",type="validate"} 1`,
    `${name('step')}{operation="CREATE",rejected="true",type="validate"} 1`,
  ]);
});

test('match conditions and mutating policies are measured, as upstream names what came of them', () => {
  const metrics = createAdmissionMetrics();
  metrics.conditions({ kind: 'webhook', name: 'w', type: 'validating' }, 'CREATE')('excluded');
  metrics.conditions({ kind: 'policy', name: 'p', type: 'validate' }, 'CREATE')('failed');
  metrics.mutatingPolicy('m', 'b', false, 1);
  const text = metrics.render();
  for (const line of [
    'admission_match_condition_evaluation_seconds_count{kind="webhook",name="w",operation="CREATE",type="validating"} 1',
    'admission_match_condition_exclusions_total{kind="webhook",name="w",operation="CREATE",type="validate"} 1',
    'admission_match_condition_evaluation_errors_total{kind="policy",name="p",operation="CREATE",type="validate"} 1',
    'mutating_admission_policy_check_total{error_type="invalid_error",policy="m",policy_binding="b"} 1',
  ])
    assert.ok(text.includes(`apiserver_${line}\n`), line);
});
