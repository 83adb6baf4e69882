import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, hasMessage } from './protobuf.ts';

const pod = { group: '', version: 'v1', kind: 'Pod' };

// Every field kind and special type that occurs in what Kubernetes sends.
const object = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    name: 'a',
    creationTimestamp: '2026-01-02T03:04:05Z',
    generation: 3,
    labels: { a: 'b', c: '' },
    managedFields: [
      { manager: 'm', time: '2026-01-02T03:04:05Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:metadata': {} } },
    ],
  },
  spec: {
    volumes: [{ name: 'v', hostPath: { path: '/x', type: '' } }],
    containers: [
      {
        name: 'c',
        image: 'i',
        env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
        resources: { limits: { cpu: '100m', memory: '1Gi' } },
        livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 10 },
        readinessProbe: { tcpSocket: { port: 80 } },
      },
    ],
    terminationGracePeriodSeconds: 30,
    tolerations: [{ key: 'k', tolerationSeconds: -1 }],
    hostNetwork: true,
  },
};

test('an object comes back as it was', () => {
  assert.deepStrictEqual(decode(encode(pod, object)), object);
});

test('integers past 2^53 come back as they were, and as raw JSON within', () => {
  const revision = { group: 'apps', version: 'v1', kind: 'ControllerRevision' };
  const head = { kind: 'ControllerRevision', apiVersion: 'apps/v1' };
  for (const number of [9007199254740993n, 9223372036854775807n, -9223372036854775808n]) {
    const long = { ...head, data: { a: number }, revision: number };
    assert.deepStrictEqual(decode(encode(revision, long)), long);
  }
});

test('bytes, and kinds that all groups share', () => {
  const secret = { kind: 'Secret', apiVersion: 'v1', data: { a: 'aGVsbG8=' } };
  assert.deepStrictEqual(decode(encode({ group: '', version: 'v1', kind: 'Secret' }, secret)), secret);
  const options = { kind: 'DeleteOptions', apiVersion: 'apps/v1', gracePeriodSeconds: 0 };
  assert.deepStrictEqual(decode(encode({ group: 'apps', version: 'v1', kind: 'DeleteOptions' }, options)), options);
});

test('schemas and what may stand in their place', () => {
  const crd = {
    kind: 'CustomResourceDefinition',
    apiVersion: 'apiextensions.k8s.io/v1',
    spec: {
      group: 'g',
      versions: [
        {
          name: 'v1',
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                a: { type: 'array', items: { type: 'string', default: 'x', minimum: 1.5 } },
                b: { additionalProperties: true, 'x-kubernetes-preserve-unknown-fields': true, enum: [1, 'a', null] },
              },
            },
          },
        },
      ],
    },
  };
  const kind = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition' };
  assert.deepStrictEqual(decode(encode(kind, crd)), crd);
});

test('what has no message, and damaged bytes, are refused', () => {
  assert.equal(hasMessage({ group: 'example.com', version: 'v1', kind: 'Thing' }), false);
  assert.throws(
    () => encode({ group: 'example.com', version: 'v1', kind: 'Thing' }, {}),
    /no protobuf message for Thing/,
  );
  const bytes = encode(pod, object);
  assert.throws(() => decode(bytes.subarray(0, 60)), RangeError);
  assert.throws(() => decode(Buffer.from('{}')), /expected prefix/);
});

test('a string that is longer than the buffer', () => {
  const map = { kind: 'ConfigMap', apiVersion: 'v1', data: { big: 'é'.repeat(300_000) } };
  assert.deepStrictEqual(decode(encode({ group: '', version: 'v1', kind: 'ConfigMap' }, map)), map);
});
