import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { flowschemas, prioritylevelconfigurations } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let client: Client;
before(async () => {
  server = await startServer({ store: 'memory' });
  client = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
});
after(() => server[Symbol.asyncDispose]());

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

const get = (as?: string): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${server.token}`, ...(as ? { 'impersonate-user': as } : {}) };
    request(`${server.url}/api/v1/namespaces`, { ca: server.ca, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
    })
      .on('error', reject)
      .end();
  });

test('answers tell their flow schema and priority level', async () => {
  const exempt = await client.get(flowschemas, 'exempt');
  const level = await client.get(prioritylevelconfigurations, 'exempt');
  const { status, headers } = await get();
  assert.equal(status, 200);
  assert.equal(headers['x-kubernetes-pf-flowschema-uid'], exempt.metadata?.uid);
  assert.equal(headers['x-kubernetes-pf-prioritylevel-uid'], level.metadata?.uid);
});

test('a level without seats and queues answers 429, and only to its own', async () => {
  await client.create(prioritylevelconfigurations, {
    metadata: { name: 'shut' },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 0, limitResponse: { type: 'Reject' } } },
  });
  const schema = await client.create(flowschemas, {
    metadata: { name: 'shut' },
    spec: {
      priorityLevelConfiguration: { name: 'shut' },
      matchingPrecedence: 500,
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'mallory' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
        },
      ],
    },
  });
  const refused = await get('mallory');
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers['x-kubernetes-pf-flowschema-uid'], schema.metadata?.uid);
  assert.equal((await get('alice')).status, 403);
});

test('a schema whose level is missing is said to dangle', async () => {
  await client.create(flowschemas, {
    metadata: { name: 'lost' },
    spec: { priorityLevelConfiguration: { name: 'nowhere' }, matchingPrecedence: 600, rules: [] },
  });
  await eventually('the condition', async () => {
    const found = await client.get(flowschemas, 'lost');
    assert.equal(found.status?.conditions?.find(({ type }) => type === 'Dangling')?.status, 'True');
  });
});

const text = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request(
      `${server.url}${path}`,
      { ca: server.ca, headers: { authorization: `Bearer ${server.token}` } },
      (answer) => {
        let all = '';
        answer.on('data', (chunk: Buffer) => (all += chunk));
        answer.on('end', () => resolve(all));
      },
    )
      .on('error', reject)
      .end();
  });

test('levels, queues and requests can be looked at, and are counted', async () => {
  await get('somebody');
  const levels = await text('/debug/api_priority_and_fairness/dump_priority_levels');
  assert.match(levels, /^PriorityLevelName, +ActiveQueues, +IsIdle, +IsQuiescing, /);
  assert.match(levels, /^catch-all, +0, +true, +false, /m);
  assert.match(await text('/debug/api_priority_and_fairness/dump_queues'), /^workload-low, +127, +0, /m);
  assert.match(await text('/debug/api_priority_and_fairness/dump_requests'), /^PriorityLevelName, +FlowSchemaName, /);
  const metrics = await text('/metrics');
  assert.match(
    metrics,
    /^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="global-default",priority_level="global-default"\} \d/m,
  );
  assert.match(
    metrics,
    /^apiserver_flowcontrol_rejected_requests_total\{flow_schema="shut",.*reason="concurrency-limit"\} \d/m,
  );
  assert.match(metrics, /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="workload-low"\} \d/m);
});
