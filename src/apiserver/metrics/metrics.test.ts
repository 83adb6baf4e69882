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
