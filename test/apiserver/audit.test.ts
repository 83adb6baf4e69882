import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startHttpsService } from './https-service.ts';
import { startServer, type TestServer } from './start-server.ts';

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: RequestResponse
  resources: [{group: "", resources: [configmaps]}]
- level: Metadata
  resources: [{group: "", resources: [secrets]}]
`;

async function send(
  server: TestServer,
  method: string,
  path: string,
  body?: object,
  token = server.token,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, server.url), {
      method,
      ca: server.ca,
      agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'test' },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.headers['audit-id'])));
    });
    outgoing.end(body && JSON.stringify(body));
  });
}

test('requests are recorded as the policy says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-audit-'));
  const policyFile = join(folder, 'policy.yaml');
  const path = join(folder, 'logs', 'audit.log');
  await writeFile(policyFile, policy);
  try {
    let id = '';
    {
      await using server = await startServer({
        store: 'memory',
        audit: { policyFile, log: { path, maxAgeDays: 0, maxBackups: 0, maxSizeMegabytes: 0 } },
      });
      const all = '/api/v1/namespaces/default/configmaps';
      id = await send(server, 'POST', all, { metadata: { name: 'x' }, data: { a: 'b' } });
      await send(server, 'GET', '/api/v1/namespaces/default/secrets/none');
      await send(server, 'GET', '/api/v1/namespaces/default/pods');
      await send(server, 'GET', '/api/v1/namespaces/default/secrets/mine', undefined, 'wrong');
    }
    const events = (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter((event) => event.userAgent === 'test');
    assert.equal(events[0].auditID, id);
    assert.deepEqual(
      events.map(
        ({ level, stage, verb, user, objectRef, responseStatus, requestObject, responseObject, annotations }) => ({
          level,
          stage,
          verb,
          user: user.username,
          objectRef,
          code: responseStatus.code,
          sent: requestObject?.data,
          answered: responseObject?.data,
          managed: responseObject?.metadata.managedFields,
          decision: annotations?.['authorization.k8s.io/decision'],
        }),
      ),
      [
        {
          level: 'RequestResponse',
          stage: 'ResponseComplete',
          verb: 'create',
          user: 'admin',
          objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1', name: 'x' },
          code: 201,
          sent: { a: 'b' },
          answered: { a: 'b' },
          managed: undefined,
          decision: 'allow',
        },
        {
          level: 'Metadata',
          stage: 'ResponseComplete',
          verb: 'get',
          user: 'admin',
          objectRef: { resource: 'secrets', namespace: 'default', name: 'none', apiVersion: 'v1' },
          code: 404,
          sent: undefined,
          answered: undefined,
          managed: undefined,
          decision: 'allow',
        },
        {
          level: 'Metadata',
          stage: 'ResponseStarted',
          verb: 'get',
          user: undefined,
          objectRef: { resource: 'secrets', namespace: 'default', name: 'mine', apiVersion: 'v1' },
          code: 401,
          sent: undefined,
          answered: undefined,
          managed: undefined,
          decision: undefined,
        },
      ],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('policies and pod security say more of a request', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-audit-'));
  const policyFile = join(folder, 'policy.yaml');
  const path = join(folder, 'audit.log');
  await writeFile(
    policyFile,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n',
  );
  try {
    {
      await using server = await startServer({
        store: 'memory',
        audit: { policyFile, log: { path, maxAgeDays: 0, maxBackups: 0, maxSizeMegabytes: 0 } },
      });
      const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic';
      const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] };
      await send(server, 'POST', `${policies}ies`, {
        metadata: { name: 'told.example.com' },
        spec: {
          matchConstraints: { resourceRules: [rule] },
          validations: [{ expression: 'true' }, { expression: "object.metadata.name != 'x'", message: 'no x' }],
          auditAnnotations: [
            { key: 'who', valueExpression: "'it is ' + object.metadata.name" },
            { key: 'none', valueExpression: 'null' },
          ],
        },
      });
      await send(server, 'POST', `${policies}ybindings`, {
        metadata: { name: 'binding' },
        spec: { policyName: 'told.example.com', validationActions: ['Audit', 'Warn'] },
      });
      await send(server, 'POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'x' } });
      await send(server, 'POST', '/api/v1/namespaces', {
        metadata: { name: 'audited', labels: { 'pod-security.kubernetes.io/audit': 'baseline' } },
      });
      await send(server, 'POST', '/api/v1/namespaces/audited/serviceaccounts', { metadata: { name: 'default' } });
      await send(server, 'POST', '/api/v1/namespaces/audited/pods', {
        metadata: { name: 'p' },
        spec: { hostNetwork: true, containers: [{ name: 'c', image: 'x' }] },
      });
    }
    const events = (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ userAgent, verb }) => userAgent === 'test' && verb === 'create');
    const told = (resource: string): Record<string, string> => {
      const found = events.findLast(({ objectRef }) => objectRef.resource === resource).annotations;
      return Object.fromEntries(Object.entries<string>(found).filter(([key]) => !key.startsWith('authorization.')));
    };
    assert.deepEqual(told('configmaps'), {
      'told.example.com/who': 'it is x',
      'validation.policy.admission.k8s.io/validation_failure':
        '[{"message":"no x","policy":"told.example.com","binding":"binding","expressionIndex":1,"validationActions":["Audit","Warn"]}]',
    });
    assert.deepEqual(told('pods'), {
      'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
      'pod-security.kubernetes.io/audit-violations':
        'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('events go to a webhook too, gathered into lists', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-audit-'));
  const policyFile = join(folder, 'policy.yaml');
  await writeFile(policyFile, policy);
  try {
    await using hook = await startHttpsService(() => ({}));
    {
      await using server = await startServer({
        store: 'memory',
        audit: {
          policyFile,
          webhook: {
            kubeconfig: await hook.kubeconfig(join(folder, 'hook.kubeconfig'), '/events'),
            maxBatch: 2,
            maxWaitMs: 50,
          },
        },
      });
      for (const name of ['a', 'b', 'c'])
        await send(server, 'POST', '/api/v1/namespaces/default/configmaps', { metadata: { name } });
    }
    const lists = hook.asked.map(({ path, body }) => {
      assert.deepEqual([path, body.kind, body.apiVersion], ['/events?timeout=30s', 'EventList', 'audit.k8s.io/v1']);
      return body.items.filter((event: { userAgent: string }) => event.userAgent === 'test');
    });
    assert.deepEqual(
      lists.flat().map((event: { objectRef: { name: string } }) => event.objectRef.name),
      ['a', 'b', 'c'],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
