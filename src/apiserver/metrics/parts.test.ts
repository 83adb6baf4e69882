import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../../store/backend.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { createNodeGraph } from '../authz/node-graph.ts';
import { createAuthorizerMetrics } from './authorizers.ts';
import { createGraphMetrics } from './graph.ts';
import { createIdentityMetrics } from './identity.ts';
import { createJwtMetrics } from './jwt.ts';
import { createReloadMetrics } from './reloads.ts';
import { posting, renderRestClient } from './rest-client.ts';
import { createStoreMetrics } from './store.ts';

/** The samples of all families but times. */
const samples = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_seconds'));

test('who asked is told by the kind of his name, and what he was allowed', async () => {
  const metrics = createIdentityMetrics();
  for (const name of ['admin', 'jane@example.com', 'system:node:a', undefined]) metrics.authenticated(name, 1);
  metrics.token(true, 0);
  const authorizer: Authorizer = {
    authorize: (user) =>
      user.name === 'a' ? { allowed: true, reason: '' } : Promise.resolve({ allowed: false, reason: '' }),
  };
  for (const name of ['a', 'b']) await metrics.measured(authorizer).authorize({ name, groups: [] }, {} as never);
  assert.deepEqual(samples(metrics.render()), [
    'authentication_attempts{result="success"} 3',
    'authentication_attempts{result="error"} 1',
    'authenticated_user_requests{username="admin"} 1',
    'authenticated_user_requests{username="email_id"} 1',
    'authenticated_user_requests{username="other"} 1',
    'authentication_token_cache_request_total{status="hit"} 1',
    'authorization_attempts_total{result="allowed"} 1',
    'authorization_attempts_total{result="no-opinion"} 1',
  ]);
});

test('an authorizer that decides is told by its name, one that does not is not', () => {
  const metrics = createAuthorizerMetrics();
  const counted = (allowed: boolean, denied: boolean) =>
    metrics.counted('RBAC', 'rbac', { authorize: () => ({ allowed, denied, reason: '' }) });
  for (const [allowed, denied] of [
    [true, false],
    [false, false],
    [false, true],
  ] as const)
    counted(allowed, denied).authorize({ name: 'a', groups: [] }, {} as never);
  metrics.webhook('hook', 'error', 5, true);
  assert.deepEqual(samples(metrics.render()), [
    'apiserver_authorization_decisions_total{decision="allowed",name="rbac",type="RBAC"} 1',
    'apiserver_authorization_decisions_total{decision="denied",name="rbac",type="RBAC"} 1',
    'apiserver_authorization_webhook_evaluations_total{name="hook",result="error"} 1',
    'apiserver_authorization_webhook_evaluations_fail_open_total{name="hook",result="error"} 1',
  ]);
});

test('what the datastore is asked is told by the resource, refusals apart', async () => {
  const metrics = createStoreMetrics();
  const backend = metrics.measured({
    write: async ({ expected }: { expected: number }) => ({ ok: expected === 0 }),
  } as unknown as Backend);
  await backend.write({ key: '/registry/core/pods/a/b', value: Buffer.alloc(0), expected: 0 });
  await backend.write({ key: '/registry/apps/deployments/a/b', value: Buffer.alloc(0), expected: 7 });
  assert.deepEqual(samples(metrics.render()), [
    'etcd_requests_total{group="",operation="create",resource="pods"} 1',
    'etcd_requests_total{group="apps",operation="update",resource="deployments"} 1',
    'etcd_request_errors_total{group="apps",operation="update",resource="deployments"} 1',
  ]);
});

test('a file that was not taken leaves the one before in force', () => {
  const metrics = createReloadMetrics('authorization', 'me');
  metrics.loaded('one');
  const before = samples(metrics.render());
  assert.equal(before.length, 1);
  metrics.reloaded(false, 'two');
  assert.deepEqual(samples(metrics.render()).at(-1), before[0]);
  metrics.reloaded(true, 'two');
  assert.notEqual(samples(metrics.render()).at(-1), before[0]);
});

test('issuers are told of by hashes: how their tokens fared, and when their keys were had', () => {
  const metrics = createJwtMetrics('me');
  metrics.authenticated('https://a', true, 3);
  metrics.authenticated('https://a', false, 3);
  metrics.fetched('https://a', undefined);
  metrics.fetched('https://a', '{}');
  const text = metrics.render();
  assert.ok(!text.includes('https://a'));
  const lines = text.split('\n');
  const count = (part: string): number => lines.filter((line) => line.includes(part)).length;
  assert.equal(count('latency_seconds_count{'), 2);
  assert.equal(count('jwks_fetch_last_timestamp_seconds{'), 2);
  assert.equal(count('jwks_fetch_last_key_set_info{'), 1);
});

test('requests to services outside are told by host and code', () => {
  posting('hook.example.com', 100).answered(200, 5_000);
  posting('hook.example.com', 100).failed();
  const text = renderRestClient();
  for (const line of [
    'rest_client_requests_total{code="200",host="hook.example.com",method="POST"} 1',
    'rest_client_requests_total{code="<error>",host="hook.example.com",method="POST"} 1',
    'rest_client_request_size_bytes_sum{host="hook.example.com",verb="POST"} 200',
    'rest_client_response_size_bytes_bucket{host="hook.example.com",verb="POST",le="16384"} 1',
    'rest_client_request_duration_seconds_count{host="hook.example.com",verb="POST"} 2',
  ])
    assert.ok(text.includes(`${line}\n`), line);
});

test('changes of the graph are measured', () => {
  const metrics = createGraphMetrics();
  const graph = metrics.measured(createNodeGraph());
  graph.putPod({ metadata: { namespace: 'a', name: 'b' }, spec: { nodeName: 'n', containers: [] } });
  assert.ok(graph.reaches('n', 'pods', 'a', 'b'));
  assert.match(metrics.render(), /_count\{operation="AddPod"\} 1\n/);
});
