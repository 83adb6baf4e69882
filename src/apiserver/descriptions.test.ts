import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTypeFacts } from '../api/openapi-facts.ts';
import { columnDescriptions, readDescriptions } from './descriptions.ts';

test('types, fields, fields of named types and columns are described', async () => {
  const describe = await readDescriptions(await readTypeFacts());
  const pod = 'io.k8s.api.core.v1.Pod';
  const columns = await columnDescriptions('/v1/pods');
  for (const text of [describe(pod, ''), describe(pod, 'kind'), describe(pod, 'spec'), columns.get('Name')])
    assert.ok(text !== undefined && text.length > 10);
  assert.equal(describe(pod, 'metadata'), "Standard object's metadata.");
  assert.equal(describe(pod, 'bogus'), undefined);
  assert.equal(columns.get('Ready'), undefined);
});
