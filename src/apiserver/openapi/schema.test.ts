import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeType } from './schema.ts';

const ref = { ref: 'meta' };
const texts: Record<string, string> = { 'io.k8s.api.core.v1.Pod#metadata': 'Standard.', 'meta#': 'The type.' };
const describe = (type: string, field: string): string | undefined =>
  texts[`${type}#${field}`] ?? (field === 'metadata' ? texts['meta#'] : undefined);

test('nested fields of a custom kind are written with what the definition says of them', () => {
  const fact = { type: 'object', properties: { spec: { type: 'object', properties: { a: { description: 'A.' } } } } };
  assert.deepStrictEqual(writeType('x', fact, 'v3', describe), fact);
});

test('the fields of every kind are documented as those of a pod in kinds that nobody documented', () => {
  const fact = { properties: { metadata: ref }, 'x-kubernetes-group-version-kind': [] };
  assert.deepStrictEqual(writeType('x', fact, 'v2', describe), {
    properties: { metadata: { description: 'Standard.', $ref: '#/definitions/meta' } },
    'x-kubernetes-group-version-kind': [],
  });
  assert.deepStrictEqual(writeType('x', { properties: { metadata: ref } }, 'v3', describe), {
    properties: { metadata: { description: 'The type.', allOf: [{ $ref: '#/components/schemas/meta' }] } },
  });
});
