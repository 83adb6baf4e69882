import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTypeFacts } from '../../api/openapi-facts.ts';
import { publishedTypes } from './published-types.ts';
import { type Dialect, writeType } from './schema.ts';

async function published(type: string, dialect: Dialect): Promise<Record<string, unknown>> {
  const types = await publishedTypes(await readTypeFacts(), dialect);
  const fact = types[type];
  assert.ok(fact);
  const written = writeType(type, fact, dialect, () => undefined) as { properties: Record<string, unknown> };
  return written.properties;
}

const core = 'io.k8s.api.core.v1';
const schemas = '#/components/schemas';

test('version 3 tells the zero value of what is always there, of a struct no fields', async () => {
  const { name, env, ports, resources, lifecycle, terminationMessagePath } = await published(`${core}.Container`, 'v3');
  assert.deepStrictEqual(
    [name, resources, lifecycle, terminationMessagePath],
    [
      { default: '', type: 'string' },
      { default: {}, allOf: [{ $ref: `${schemas}/${core}.ResourceRequirements` }] },
      { $ref: `${schemas}/${core}.Lifecycle` },
      { type: 'string' },
    ],
  );
  assert.deepStrictEqual((env as { items: object }).items, {
    default: {},
    allOf: [{ $ref: `${schemas}/${core}.EnvVar` }],
  });
  assert.ok(ports);
  const { protocol } = await published(`${core}.ContainerPort`, 'v3');
  assert.equal((protocol as { default: string }).default, 'TCP');
});

test('version 2 has no defaults; both tell the values of an enumeration', async () => {
  const enumeration = ['SCTP', 'TCP', 'UDP'];
  assert.deepStrictEqual((await published(`${core}.ContainerPort`, 'v2')).protocol, {
    type: 'string',
    enum: enumeration,
  });
  const { ipFamilies } = await published(`${core}.ServiceSpec`, 'v3');
  assert.deepStrictEqual((ipFamilies as { items: object }).items, {
    type: 'string',
    default: '',
    enum: ['', 'IPv4', 'IPv6'],
  });
});

test('a time, a quantity and bytes have no zero value', async () => {
  const { startedAt } = await published(`${core}.ContainerStateRunning`, 'v3');
  const { data } = await published(`${core}.Secret`, 'v3');
  const { capacity } = await published(`${core}.NodeStatus`, 'v3');
  assert.ok(!JSON.stringify([startedAt, data, capacity]).includes('default'));
});
