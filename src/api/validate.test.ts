import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeValue } from './decode.ts';
import { applyDefaults } from './defaults.ts';
import * as handles from './gen/resources.ts';
import type { KubernetesObject, Resource } from './object.ts';
import { parseKind } from './schema.ts';
import { validateCreate, validateUpdate } from './validate.ts';

const ready = (apiVersion: string, kind: string, value: object): KubernetesObject => {
  const gvk = parseKind(apiVersion, kind);
  const { object } = decodeValue(gvk, structuredClone(value));
  applyDefaults(gvk, object);
  object.metadata.namespace ??= 'n';
  return object;
};

function problems(apiVersion: string, kind: string, value: object): string[] {
  const object = ready(apiVersion, kind, value);
  const causes = validateCreate(parseKind(apiVersion, kind), object, { namespaced: true });
  return causes.map((c) => `${c.field}: ${c.message}`);
}

const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };

test('what is right has no problems', () => {
  assert.deepStrictEqual(problems('v1', 'Pod', pod), []);
});

const wrong: [name: string, apiVersion: string, kind: string, value: object, problems: string[]][] = [
  ['a pod of nothing', 'v1', 'Pod', { metadata: { name: 'p' }, spec: {} }, ['spec.containers: Required value']],
  [
    'a container without a name or an image, mounting what is not there',
    'v1',
    'Pod',
    { ...pod, spec: { containers: [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }] } },
    [
      'spec.containers[0].name: Required value',
      'spec.containers[0].image: Required value',
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
  ],
  [
    'two controllers',
    'v1',
    'Pod',
    {
      ...pod,
      metadata: {
        name: 'p',
        ownerReferences: ['x', 'y'].map((name) => ({ apiVersion: 'v1', kind: 'K', name, uid: name, controller: true })),
      },
    },
    [
      'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"K","name":"x","uid":"x","controller":true},{"apiVersion":"v1","kind":"K","name":"y","uid":"y","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for K/x and K/y',
    ],
  ],
  [
    'a deployment whose selector selects nothing of its own',
    'apps/v1',
    'Deployment',
    {
      metadata: { name: 'd' },
      spec: {
        replicas: -1,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'c' } }, spec: pod.spec },
      },
    },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.template.metadata.labels: Invalid value: {"a":"c"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'a service with a bad port',
    'v1',
    'Service',
    { metadata: { name: 's' }, spec: { ports: [{ port: 70000, targetPort: 'a--b' }] } },
    [
      'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens',
    ],
  ],
];

for (const [name, apiVersion, kind, value, expected] of wrong) {
  test(`refused: ${name}`, () => assert.deepStrictEqual(problems(apiVersion, kind, value), expected));
}

test('what may not change', () => {
  const gvk = parseKind('v1', 'Pod');
  const old = ready('v1', 'Pod', pod);
  old.metadata.resourceVersion = '1';
  const now = structuredClone(old) as KubernetesObject & { spec: { hostNetwork?: boolean } };
  now.spec.hostNetwork = true;
  now.metadata.uid = 'other';
  now.metadata.finalizers = ['plain', 'a b/c'];
  const fields = validateUpdate(gvk, now, old, { namespaced: true }).map((c) => [c.field, c.reason]);
  // As often as upstream looks at the metadata.
  const found = [
    ['metadata.uid', 'FieldValueInvalid'],
    ['metadata.finalizers', 'FieldValueInvalid'],
    ['metadata.finalizers[0]', 'FieldValueInvalid'],
  ];
  assert.deepStrictEqual(fields, [...found, ...found, ['spec', 'FieldValueForbidden']]);
});

test('the objects that every cluster starts with pass', () => {
  const file = new URL('./facts/bootstrap-objects.json', import.meta.url);
  const facts = JSON.parse(readFileSync(file, 'utf8')) as Record<string, object[]>;
  for (const [resource, objects] of Object.entries(facts)) {
    const handle = (Object.values(handles) as Resource<KubernetesObject>[]).find((h) => h.resource === resource);
    assert.ok(handle, resource);
    for (const fact of objects) {
      const { object, warnings } = decodeValue(handle, structuredClone(fact));
      applyDefaults(handle, object);
      assert.deepStrictEqual(warnings, []);
      assert.deepStrictEqual(validateCreate(handle, object, handle), [], `${resource} ${object.metadata.name}`);
    }
  }
});
