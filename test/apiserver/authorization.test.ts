import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UserInfo } from '../../src/apiserver/server.ts';
import { eventually } from '../../src/base/eventually.ts';
import { testFolder } from '../harness/folder.ts';
import { type Answering, startHttpsService } from './https-service.ts';
import { startServer } from './start-server.ts';

const users: Readonly<Record<string, UserInfo>> = {
  root: { name: 'root', groups: ['system:masters'] },
  alice: { name: 'alice', groups: ['dev', 'system:authenticated'] },
  bob: { name: 'bob', groups: ['system:authenticated'] },
};
const tokens = (token: string): UserInfo | undefined => users[token];

/** Alice may, Bob is denied, all others are unknown to it. */
const answering: Answering = ({ body }) => ({
  ...body,
  status:
    body.spec.user === 'alice'
      ? { allowed: true, reason: 'she may' }
      : body.spec.user === 'bob'
        ? { allowed: false, denied: true, reason: 'not bob' }
        : { allowed: false, reason: 'who is that' },
});

const configuration = (kubeconfig: string, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthorizationConfiguration',
    authorizers: [
      {
        type: 'Webhook',
        name: 'hook',
        webhook: {
          timeout: '3s',
          subjectAccessReviewVersion: 'v1',
          matchConditionSubjectAccessReviewVersion: 'v1',
          failurePolicy: 'Deny',
          connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: kubeconfig },
          matchConditions: [
            { expression: 'has(request.resourceAttributes)' },
            { expression: "request.resourceAttributes.namespace != 'kube-system'" },
          ],
          ...more,
        },
      },
      { type: 'Node', name: 'node' },
      { type: 'RBAC', name: 'rbac' },
    ],
  });

const pods = (namespace: string): string =>
  `/api/v1/namespaces/${namespace}/pods?labelSelector=a%3Db&fieldSelector=spec.nodeName%3Dn`;

test('a webhook decides ahead of RBAC, narrowed by its conditions, and its answers are kept', async (t) => {
  const folder = await testFolder('authorization');
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using hook = await startHttpsService(answering);
  const configFile = join(folder, 'authorization.yaml');
  await writeFile(configFile, configuration(await hook.kubeconfig(join(folder, 'hook.kubeconfig'), '/authorize')));
  await using server = await startServer({ store: 'memory', more: { tokens, authorization: { configFile } } });

  assert.equal((await server.ask('GET', pods('default'), { token: 'alice' })).status, 200);
  assert.equal((await server.ask('GET', pods('default'), { token: 'alice' })).status, 200);
  assert.equal(hook.asked.length, 1);
  assert.deepEqual(hook.asked[0]?.body, {
    kind: 'SubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: {
      resourceAttributes: {
        namespace: 'default',
        verb: 'list',
        version: 'v1',
        resource: 'pods',
        fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n'] }] },
        labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }] },
      },
      user: 'alice',
      groups: ['dev', 'system:authenticated'],
    },
    status: { allowed: false },
  });
  assert.equal(hook.asked[0]?.path, '/authorize?timeout=3s');
  assert.equal(hook.asked[0]?.headers.authorization, 'Bearer shown-to-webhooks');

  const refused = await server.ask('GET', pods('default'), { token: 'bob' });
  assert.equal(refused.status, 403);
  assert.match(refused.body.message, /User "bob" cannot list resource "pods".*: not bob$/);
  // Outside of the conditions: RBAC alone is asked.
  assert.equal((await server.ask('GET', pods('kube-system'), { token: 'alice' })).status, 403);
  assert.equal((await server.ask('GET', '/version', { token: 'bob' })).status, 200);
  assert.equal(hook.asked.length, 2);

  const review = await server.ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    body: { spec: { user: 'bob', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } },
    token: 'root',
  });
  assert.deepEqual(review.body.status, { allowed: false, denied: true, reason: 'not bob' });
  const rules = await server.ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
    body: { spec: { namespace: 'default' } },
    token: 'alice',
  });
  assert.equal(rules.body.status.incomplete, true);
  assert.equal(rules.body.status.evaluationError, 'webhook authorizer does not support user rule resolution');
  // Impersonation asks too: Alice may act as Carol, of whom the webhook and RBAC know nothing.
  const acting = await server.ask('GET', pods('default'), { token: 'root' });
  assert.equal(acting.status, 200);
});

test('a webhook that is down refuses or is passed over, and a changed file takes effect', async (t) => {
  const folder = await testFolder('authorization');
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using hook = await startHttpsService(answering);
  const kubeconfig = await hook.kubeconfig(join(folder, 'hook.kubeconfig'));
  const down = join(folder, 'down.kubeconfig');
  await hook.kubeconfig(down);
  await writeFile(
    down,
    JSON.stringify({
      'current-context': 'x',
      clusters: [{ name: 'x', cluster: { server: 'https://127.0.0.1:1' } }],
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    }),
  );
  const configFile = join(folder, 'authorization.yaml');
  await writeFile(configFile, configuration(down));
  await using server = await startServer({
    store: 'memory',
    more: { tokens, authorization: { configFile } },
    logLevel: 'error',
  });

  const failed = await server.ask('GET', pods('default'), { token: 'alice' });
  assert.equal(failed.status, 500);
  assert.match(
    failed.body,
    /^Internal Server Error: "\/api\/v1\/[^"]*": Post "https:\/\/127.0.0.1:1\/\?timeout=3s": dial tcp 127.0.0.1:1: connect: connection refused/,
  );
  const review = await server.ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    body: { spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } },
    token: 'root',
  });
  assert.equal(review.body.status.allowed, true);

  await writeFile(configFile, configuration(kubeconfig).replace('"node"', '"nodes"'));
  await sleep(400);
  assert.equal((await server.ask('GET', pods('default'), { token: 'alice' })).status, 500, 'a bad file is not taken');
  await writeFile(configFile, configuration(kubeconfig, { cacheAuthorizedRequests: false }));
  await eventually('the changed file', async () =>
    assert.equal((await server.ask('GET', pods('default'), { token: 'alice' })).status, 200),
  );
  const before = hook.asked.length;
  assert.equal((await server.ask('GET', pods('default'), { token: 'alice' })).status, 200);
  assert.equal(hook.asked.length, before + 1, 'answers are not kept where the file says so');
});

test('policies whose expressions ask the authorizer wait for the webhook', async (t) => {
  const folder = await testFolder('authorization');
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using hook = await startHttpsService(answering);
  const configFile = join(folder, 'authorization.yaml');
  await writeFile(configFile, configuration(await hook.kubeconfig(join(folder, 'hook.kubeconfig'))));
  await using server = await startServer({ store: 'memory', more: { tokens, authorization: { configFile } } });
  const base = '/apis/admissionregistration.k8s.io/v1';
  await server.ask('POST', `${base}/validatingadmissionpolicies`, {
    token: 'root',
    body: {
      metadata: { name: 'p' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        },
        validations: [
          {
            expression:
              "authorizer.group('').resource('secrets').namespace(object.metadata.namespace).check('get').allowed()",
            message: 'who may not read Secrets makes no ConfigMaps',
          },
        ],
      },
    },
  });
  await server.ask('POST', `${base}/validatingadmissionpolicybindings`, {
    token: 'root',
    body: { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'] } },
  });
  const make = (namespace: string, name: string) =>
    server.ask('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body: { metadata: { name } }, token: 'alice' });
  await eventually('the policy', async () => assert.equal((await make('default', 'a')).status, 201));
  assert.ok(hook.asked.some(({ body }) => body.spec.resourceAttributes.resource === 'secrets'));
});
