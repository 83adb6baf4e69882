import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestInfo } from '../http/request-info.ts';
import { createRequestMetrics } from './requests.ts';
import { renderFamilies } from './text.ts';

test('label values are escaped, families without samples are left out', () => {
  const samples = [{ labels: { name: 'a"b\\c\nd' }, value: 1 }];
  assert.equal(
    renderFamilies([
      { name: 'one', type: 'gauge', help: 'One.', samples },
      { name: 'none', type: 'counter', help: 'None.', samples: [] },
    ]),
    '# HELP one One.\n# TYPE one gauge\none{name="a\\"b\\\\c\\nd"} 1\n',
  );
});

test('requests are in flight until they are observed, watches until they end', () => {
  const metrics = createRequestMetrics();
  const info = (verb: string) =>
    ({ verb, resource: 'pods', group: '', isResource: true, name: '', path: '' }) as RequestInfo;
  const value = (name: string): string | undefined =>
    metrics
      .render()
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.split(' ')
      .at(-1);
  metrics.began(info('create'));
  metrics.began(info('list'));
  assert.equal(value('apiserver_current_inflight_requests{request_kind="mutating"}'), '1');
  metrics.observe(info('create'), 201, performance.now());
  const end = metrics.watching(info('watch'));
  assert.equal(value('apiserver_current_inflight_requests{request_kind="mutating"}'), '0');
  assert.equal(value('apiserver_longrunning_requests'), '1');
  end();
  assert.equal(value('apiserver_longrunning_requests'), '0');
  assert.equal(value('apiserver_request_sli_duration_seconds_count'), '1');
});
