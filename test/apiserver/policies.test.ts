import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type {
  MutatingAdmissionPolicy,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../src/api/gen/admissionregistration-v1.ts';
import type { ConfigMap } from '../../src/api/gen/core-v1.ts';
import {
  configmaps,
  deployments,
  mutatingadmissionpolicies,
  mutatingadmissionpolicybindings,
  validatingadmissionpolicies,
  validatingadmissionpolicybindings,
} from '../../src/api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../src/api/object.ts';
import { ApiError } from '../../src/api/status.ts';
import { checkPolicyTypes } from '../../src/apiserver/admission/policy/type-check.ts';
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

const about = (label: string) => ({
  objectSelector: { matchLabels: { test: label } },
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE', 'DELETE'] },
  ],
});

async function policy(
  name: string,
  spec: Partial<NonNullable<ValidatingAdmissionPolicy['spec']>>,
  binding: Partial<NonNullable<ValidatingAdmissionPolicyBinding['spec']>> = {},
): Promise<void> {
  await client.create(validatingadmissionpolicies, {
    metadata: { name },
    spec: { matchConstraints: about(name), ...spec },
  });
  await client.create(validatingadmissionpolicybindings, {
    metadata: { name: `${name}-binding` },
    spec: { policyName: name, validationActions: ['Deny'], ...binding },
  });
}

const make = (name: string, label: string, data: Record<string, string> = {}): Promise<ConfigMap> =>
  client.create(configmaps, { metadata: { name, namespace: 'default', labels: { test: label } }, data });

const refusal = async (work: Promise<unknown>): Promise<ApiError['status']> => {
  const error = await work.then(
    () => assert.fail('it was let in'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof ApiError, String(error));
  return error.status;
};

test('a policy denies with the message of its expression, with variables and the namespace at hand', async () => {
  await policy('size', {
    variables: [
      { name: 'size', expression: 'int(object.data.size)' },
      { name: 'odd', expression: 'variables.size % 2 == 1' },
    ],
    validations: [
      { expression: 'variables.odd', messageExpression: "'wants odd, got ' + string(variables.size)" },
      { expression: "namespaceObject.metadata.name == 'default'", message: 'elsewhere' },
      { expression: 'variables.size < 10', reason: 'Forbidden' },
    ],
  });
  await make('size-a', 'size', { size: '3' });
  const even = await refusal(make('size-b', 'size', { size: '4' }));
  assert.equal(even.code, 422);
  assert.equal(even.reason, 'Invalid');
  assert.equal(
    even.message,
    `configmaps "size-b" is forbidden: ValidatingAdmissionPolicy 'size' with binding 'size-binding' denied request: wants odd, got 4`,
  );
  const large = await refusal(make('size-c', 'size', { size: '11' }));
  assert.equal(large.code, 403);
  assert.match(large.message ?? '', /failed expression: variables.size < 10$/);
  const broken = await refusal(make('size-d', 'size', {}));
  assert.match(
    broken.message ?? '',
    /composited variable "odd" fails to evaluate: composited variable "size" fails to evaluate: no such key/,
  );
});

test('parameters, match conditions, the authorizer, and what fails where that is ignored', async () => {
  await client.create(configmaps, { metadata: { name: 'limits', namespace: 'default' }, data: { most: '2' } });
  await policy(
    'params',
    {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'not-skipped', expression: "object.metadata.name != 'skipped'" }],
      validations: [
        { expression: 'size(object.data) <= int(params.data.most)' },
        { expression: 'object.data.missing.more == 1' },
        { expression: "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()" },
        { expression: "request.operation == 'CREATE' && request.userInfo.username == 'admin'" },
      ],
    },
    { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
  );
  await make('few', 'params', { a: '1', b: '2' });
  const many = { a: '1', b: '2', c: '3' };
  assert.match((await refusal(make('many', 'params', many))).message ?? '', /failed expression: size\(object.data\)/);
  await make('skipped', 'params', many);
});

test('a policy with parameters of a kind that is not there denies, unless its failures are ignored', async () => {
  const paramKind = { apiVersion: 'nothing.example/v1', kind: 'Nothing' };
  const validations = [{ expression: 'true' }];
  await policy('no-kind', { paramKind, validations });
  assert.match(
    (await refusal(make('no-kind', 'no-kind', {}))).message ?? '',
    /Policy 'no-kind' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'nothing\.example\/v1, Kind=Nothing'$/,
  );
  await policy('no-kind-ignored', { paramKind, failurePolicy: 'Ignore', validations });
  await make('no-kind-ignored', 'no-kind-ignored', {});
});

test('a mutating policy applies configurations and patches', async () => {
  const spec: MutatingAdmissionPolicy['spec'] = {
    matchConstraints: {
      ...about('mutate'),
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] },
      ],
    },
    reinvocationPolicy: 'Never',
    failurePolicy: 'Fail',
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression: `Object{
            metadata: Object.metadata{annotations: {"by": request.userInfo.username}},
            data: {"applied": "yes"}
          }`,
        },
      },
      {
        patchType: 'JSONPatch',
        jsonPatch: {
          expression: `has(object.data.a) ? [JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("b"), value: object.data.a + "b"}] : []`,
        },
      },
    ],
  };
  await client.create(mutatingadmissionpolicies, { metadata: { name: 'mutate' }, spec });
  await client.create(mutatingadmissionpolicybindings, {
    metadata: { name: 'mutate-binding' },
    spec: { policyName: 'mutate' },
  });
  const made = await make('mutated', 'mutate', { a: 'a' });
  assert.deepEqual(made.data, { a: 'a', applied: 'yes', b: 'ab' });
  assert.equal(made.metadata?.annotations?.by, 'admin');
});

test('a mutating policy on deployments, and the policy that cannot be compiled', async () => {
  await client.create(mutatingadmissionpolicies, {
    metadata: { name: 'replicas' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] },
        ],
      },
      reinvocationPolicy: 'IfNeeded',
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: { expression: 'Object{spec: Object.spec{replicas: object.spec.replicas + 1}}' },
        },
      ],
    },
  });
  await client.create(mutatingadmissionpolicybindings, {
    metadata: { name: 'replicas-binding' },
    spec: { policyName: 'replicas' },
  });
  const labels = { app: 'x' };
  const made = await client.create(deployments, {
    metadata: { name: 'mutated', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'registry.example/x' }] } },
    },
  });
  // What a policy has altered it sees once more, if it wants to: upstream makes four of two as well.
  assert.equal(made.spec?.replicas, 4);
  const refused = await refusal(policy('broken', { validations: [{ expression: 'object.x > nope' }] }));
  assert.equal(refused.code, 422);
  assert.match(
    refused.message ?? '',
    /spec\.validations\[0\]\.expression: Invalid value: "object\.x > nope": compilation failed: ERROR: <input>:1:12: undeclared reference to 'nope' \(in container ''\)/,
  );
});

test('the schemas of what a policy is about are held against its expressions', async () => {
  const rule = { apiVersions: ['v1'], operations: ['*' as const] };
  const checked: ValidatingAdmissionPolicy = {
    metadata: { name: 'typed' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { ...rule, apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'] },
          { ...rule, apiGroups: [''], resources: ['pods'] },
        ],
      },
      variables: [{ name: 'containers', expression: 'object.spec.template.spec.containers' }],
      validations: [
        { expression: 'object.spec.replicas > 1' },
        { expression: "object.metadata.name != ''", messageExpression: "object.metadata.labels['a'] + 1" },
        { expression: 'variables.containers.all(c, c.ports.all(p, p.containerPort > 1))' },
      ],
    },
  };
  const wrong = "found no matching overload for '_+_' applied to '(string, int)'";
  const sum = ` | object.metadata.labels['a'] + 1\n | ${'.'.repeat(28)}^\n`;
  assert.deepStrictEqual(await checkPolicyTypes(checked, client), [
    {
      fieldRef: 'spec.validations[0].expression',
      warning:
        "/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'replicas'\n | object.spec.replicas > 1\n | ...........^\n",
    },
    {
      fieldRef: 'spec.validations[1].messageExpression',
      warning: `/v1, Kind=Pod: ERROR: <input>:1:29: ${wrong}\n${sum}\napps/v1, Kind=Deployment: ERROR: <input>:1:29: ${wrong}\n${sum}`,
    },
  ]);
});

test('a policy that knows a resource in another version sees it converted, and what it alters is converted back', async () => {
  const autoscalers = (version: string): Resource<KubernetesObject & { spec: Record<string, unknown> }> => ({
    group: 'autoscaling',
    version,
    resource: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    namespaced: true,
  });
  const rule = (version: string) => ({
    objectSelector: { matchLabels: { test: 'converted' } },
    resourceRules: [
      {
        apiGroups: ['autoscaling'],
        apiVersions: [version],
        resources: ['horizontalpodautoscalers'],
        operations: ['CREATE'],
      },
    ],
  });
  await policy('v1-only', {
    matchConstraints: rule('v1'),
    validations: [
      {
        expression: 'object.apiVersion == "autoscaling/v1" && object.spec.targetCPUUtilizationPercentage < 90',
        messageExpression: '"asked as " + request.resource.version + " for " + request.requestResource.version',
      },
    ],
  });
  await client.create(mutatingadmissionpolicies, {
    metadata: { name: 'v1-only' },
    spec: {
      matchConstraints: rule('v1'),
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: '[JSONPatch{op: "replace", path: "/spec/maxReplicas", value: 7}]' },
        },
      ],
    },
  });
  await client.create(mutatingadmissionpolicybindings, {
    metadata: { name: 'v1-only' },
    spec: { policyName: 'v1-only' },
  });
  const make = (name: string, averageUtilization: number) =>
    client.create(autoscalers('v2'), {
      metadata: { name, namespace: 'default', labels: { test: 'converted' } },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' },
        maxReplicas: 3,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }],
      },
    });
  const made = await make('converted', 50);
  assert.equal(made.spec.maxReplicas, 7);
  assert.equal((made.spec.metrics as unknown[]).length, 1);
  const { message } = await refusal(make('refused', 95));
  assert.match(message ?? '', /denied request: asked as v1 for v2$/);
});
