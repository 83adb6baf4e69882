import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyConfiguration, managerName, trackUpdate } from './apply.ts';
import { decodeValue } from './decode.ts';
import type { KubernetesObject } from './object.ts';
import { type FieldSchema, type TypeSchema, untyped } from './schema.ts';

const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' };
const now = new Date('2026-01-02T03:04:05Z');
const later = new Date('2026-01-02T03:05:05Z');

const given = (value: object): KubernetesObject => value as KubernetesObject;
const decoded = (value: object): KubernetesObject => decodeValue(deployment, structuredClone(value)).object;

const base = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'n', labels: { x: '1' } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { x: '1' } },
    template: {
      metadata: { labels: { x: '1' } },
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] },
    },
  },
};

const fieldsOfBase = {
  'f:metadata': { 'f:labels': { 'f:x': {} } },
  'f:spec': {
    'f:replicas': {},
    'f:selector': {},
    'f:template': {
      'f:metadata': { 'f:labels': { 'f:x': {} } },
      'f:spec': {
        'f:containers': {
          'k:{"name":"c"}': {
            '.': {},
            'f:image': {},
            'f:name': {},
            'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
          },
        },
      },
    },
  },
};

function applied(manager: string, value: object, live?: KubernetesObject, force = false): KubernetesObject {
  return applyConfiguration(deployment, live, given(value), { manager, now, force });
}

test('the first apply owns what it says', () => {
  assert.deepStrictEqual(applied('one', base).metadata.managedFields, [
    {
      manager: 'one',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: '2026-01-02T03:04:05Z',
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsOfBase,
    },
  ]);
});

test('an update takes what it changes from the appliers and nothing more', () => {
  const live = applied('one', base);
  const changed = structuredClone(live) as KubernetesObject & { spec: { replicas: number } };
  changed.spec.replicas = 3;
  trackUpdate(deployment, live, changed, { manager: 'two', now: later });
  const { 'f:replicas': _, ...rest } = fieldsOfBase['f:spec'];
  assert.deepStrictEqual(
    changed.metadata.managedFields?.map((e) => [e.manager, e.operation, e.time, e.fieldsV1]),
    [
      ['one', 'Apply', '2026-01-02T03:04:05Z', { ...fieldsOfBase, 'f:spec': rest }],
      ['two', 'Update', '2026-01-02T03:05:05Z', { 'f:spec': { 'f:replicas': {} } }],
    ],
  );
});

test('an update that changes nothing leaves the entries alone', () => {
  const live = applied('one', base);
  const same = structuredClone(live);
  trackUpdate(deployment, live, same, { manager: 'two', now: later });
  assert.deepStrictEqual(same.metadata.managedFields, live.metadata.managedFields);
});

test('another applier gets conflicts, with their causes, unless it forces', () => {
  const live = applied('one', base);
  const wish = { ...base, spec: { ...base.spec, replicas: 5 } };
  assert.throws(() => applied('two', wish, live), {
    code: 409,
    message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
    status: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
      reason: 'Conflict',
      details: {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }],
      },
      code: 409,
    },
  });
  const forced = applied('two', wish, live, true) as KubernetesObject & { spec: { replicas: number } };
  assert.equal(forced.spec.replicas, 5);
});

test('what an applier no longer says goes, unless another holds it', () => {
  const both = {
    ...base,
    metadata: { ...base.metadata, labels: { x: '1', mine: 'a', shared: 'b' } },
  };
  const live = applied('one', both);
  const second = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', labels: { shared: 'b' } } };
  const shared = applied('two', second, live);
  assert.deepStrictEqual(applied('one', base, shared).metadata.labels, { x: '1', shared: 'b' });
});

test('items of associative lists are merged by their keys', () => {
  const live = applied('one', base);
  const sidecar = {
    ...given({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } }),
    spec: { template: { spec: { containers: [{ name: 'side', image: 's' }] } } },
  };
  const result = applied('two', sidecar, live) as unknown as typeof base;
  assert.deepStrictEqual(
    result.spec.template.spec.containers.map((c) => c.name),
    ['c', 'side'],
  );
});

test('unknown fields and managed fields in a configuration are refused', () => {
  assert.throws(() => applied('one', { ...base, bogus: 1 }), {
    message:
      'failed to create typed patch object (n/a; apps/v1, Kind=Deployment): .bogus: field not declared in schema',
  });
  assert.throws(() => applied('one', { ...base, metadata: { name: 'a', managedFields: [{}] } }), {
    message: 'metadata.managedFields must be nil',
  });
});

test('a created object is owned by its creator, without what always appears', () => {
  const object = decoded(base);
  trackUpdate(deployment, undefined, object, { manager: 'm', now });
  const [entry] = object.metadata.managedFields ?? [];
  assert.deepStrictEqual((entry?.fieldsV1 as Record<string, unknown> | undefined)?.['f:metadata'], {
    'f:labels': { '.': {}, 'f:x': {} },
  });
});

test('the manager of a request without one is named by its user agent', () => {
  assert.deepStrictEqual(
    ['kubectl/v1.36 (linux)', '', undefined].map((agent) => managerName(agent)),
    ['kubectl', 'unknown', 'unknown'],
  );
});

test('a struct that keeps unknown fields takes them in a configuration', () => {
  const text: TypeSchema = { ...open, shape: 'string', deduced: false };
  const field = { ...spec, name: 'kind', type: text };
  const schema: TypeSchema = { ...open, shape: 'struct', fields: new Map([['kind', field]]) };
  const kind = { group: 'example.com', version: 'v1', kind: 'Thing' };
  const value = given({ kind: 'Thing', metadata: { name: 't' }, spec: { a: { b: 1 } } });
  const result = applyConfiguration(kind, undefined, value, { manager: 'one', now, schema });
  assert.deepStrictEqual(result.metadata.managedFields?.[0]?.fieldsV1, {
    'f:spec': { '.': {}, 'f:a': { '.': {}, 'f:b': {} } },
  });
});

const open = untyped({ deduced: true });
const spec: FieldSchema = {
  name: '',
  type: open,
  required: false,
  listType: undefined,
  listMapKeys: [],
  mapType: undefined,
  patchStrategy: [],
  patchMergeKey: undefined,
  default: undefined,
  presence: 'pointer',
};

const bare = (metadata: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'n', ...metadata },
});

test('who alone owned labels gives them up, and the object keeps its name', () => {
  const live = applied('one', bare({ labels: { x: '1' } }));
  const { metadata } = applied('one', bare(), live);
  assert.deepStrictEqual([metadata.name, metadata.namespace, metadata.labels], ['a', 'n', undefined]);
});

test('who applies what is there already owns it without a time, and comes first', () => {
  const live = applied('one', bare({ labels: { x: '1' } }));
  const { metadata } = applied('another', bare({ labels: { x: '1' } }), live);
  assert.deepStrictEqual(
    metadata.managedFields?.map(({ manager, time }) => [manager, time]),
    [
      ['another', undefined],
      ['one', '2026-01-02T03:04:05Z'],
    ],
  );
});

test('what is not of its type is told with its path', () => {
  const wrong = { ...bare(), spec: { replicas: '3', paused: 'x', selector: [], bogus: 1 } };
  assert.throws(() => applied('one', wrong), {
    message: [
      'failed to create typed patch object (n/a; apps/v1, Kind=Deployment): errors:',
      '  .spec.replicas: expected numeric (int or float), got string',
      '  .spec.paused: expected boolean, got &{x}',
      '  .spec.selector: expected map, got &{[]}',
      '  .spec.bogus: field not declared in schema',
    ].join('\n'),
  });
});

test('an object with items that have no key is managed by nobody', () => {
  const account = { group: '', version: 'v1', kind: 'ServiceAccount' };
  const object = decodeValue(account, { metadata: { name: 'a' }, secrets: [{ name: '' }] }).object;
  trackUpdate(account, undefined, object, { manager: 'one', now });
  assert.equal(object.metadata.managedFields, undefined);
});
