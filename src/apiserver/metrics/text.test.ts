import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestInfo, type RequestInfo } from '../http/request-info.ts';
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
  const asked = (verb: string) => ({ info: info(verb), query: new URLSearchParams(), headers: {} });
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
  metrics.observe(asked('create'), 201, performance.now());
  const end = metrics.watching(asked('watch'));
  assert.equal(value('apiserver_current_inflight_requests{request_kind="mutating"}'), '0');
  assert.equal(value('apiserver_longrunning_requests'), '1');
  end();
  assert.equal(value('apiserver_longrunning_requests'), '0');
  assert.equal(value('apiserver_request_sli_duration_seconds_count'), '1');
});

test('requests are told apart as upstream tells them', () => {
  const metrics = createRequestMetrics();
  const told = (method: string, path: string, search = '', headers = {}): string => {
    const query = new URLSearchParams(search);
    metrics.observe({ info: parseRequestInfo(method, path, query), query, headers }, 200, performance.now());
    const lines = metrics.render().split('\n');
    const line = lines.findLast((one) => one.startsWith('apiserver_request_total{')) ?? '';
    return ['dry_run', 'scope', 'verb'].map((name) => new RegExp(`${name}="(.*?)"`).exec(line)?.[1]).join(' ');
  };
  const pods = '/api/v1/namespaces/a/pods';
  const apply = { 'content-type': 'application/apply-patch+yaml' };
  assert.deepEqual(
    [
      told('POST', pods),
      told('POST', pods, 'dryRun=All&fieldValidation=Strict'),
      told('PATCH', `${pods}/b`, 'dryRun=x', apply),
      told('DELETE', pods),
      told('GET', `${pods}/b/log`),
      told('GET', '/api/v1/pods', 'watch=1'),
      told('GET', '/version'),
    ],
    [
      ' resource POST',
      'All resource POST',
      'invalid resource APPLY',
      ' namespace DELETE',
      ' resource CONNECT',
      ' cluster WATCH',
      '  GET',
    ],
  );
  metrics.terminated(
    { info: parseRequestInfo('GET', pods, new URLSearchParams()), query: new URLSearchParams(), headers: {} },
    429,
  );
  metrics.late('error');
  const text = metrics.render();
  for (const line of [
    'apiserver_request_terminations_total{code="429",component="apiserver",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"} 1',
    'apiserver_request_post_timeout_total{source="rest-handler",status="error"} 1',
    'field_validation_request_duration_seconds_count{field_validation="Strict"} 1',
  ])
    assert.ok(text.includes(`${line}\n`), line);
  assert.ok(
    !text.includes(
      'sli_duration_seconds_count{component="apiserver",group="",resource="pods",scope="resource",subresource="",verb="APPLY"',
    ),
  );
});
