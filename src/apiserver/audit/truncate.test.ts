import assert from 'node:assert/strict';
import { test } from 'node:test';
import { truncated } from './truncate.ts';

test('an event that is too large loses its objects; one that still is, itself', () => {
  const event = { kind: 'Event', requestObject: { a: 'x'.repeat(200) }, annotations: { b: 'c' } };
  const line = `${JSON.stringify(event)}\n`;
  assert.equal(truncated(line, 1000), line);
  assert.deepEqual(JSON.parse(truncated(line, 200) ?? ''), {
    kind: 'Event',
    annotations: { b: 'c', 'audit.k8s.io/truncated': 'true' },
  });
  assert.equal(truncated(line, 50), undefined);
});
