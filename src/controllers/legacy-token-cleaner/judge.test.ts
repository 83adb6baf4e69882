import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, trackedLongEnough } from './judge.ts';

const dayMs = 24 * 3600 * 1000;
const now = Date.parse('2026-06-30T12:00:00Z');
const account = { metadata: { name: 'a' }, secrets: [{ name: 'a-token' }] };

const cases: readonly {
  name: string;
  created?: string;
  labels?: Record<string, string>;
  secret?: string;
  mounted?: boolean;
  expected: ReturnType<typeof judge>;
}[] = [
  { name: 'never used is marked', expected: 'mark' },
  { name: 'new stays', created: '2026-06-20T12:00:00Z', expected: 'keep' },
  { name: 'used stays', labels: { 'kubernetes.io/legacy-token-last-used': '2026-06-20' }, expected: 'keep' },
  {
    name: 'used long ago is marked',
    labels: { 'kubernetes.io/legacy-token-last-used': '2026-05-01' },
    expected: 'mark',
  },
  {
    name: 'a use that cannot be read stays',
    labels: { 'kubernetes.io/legacy-token-last-used': 'x' },
    expected: 'keep',
  },
  {
    name: 'marked lately stays',
    labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-06-01' },
    expected: 'keep',
  },
  {
    name: 'marked long ago goes',
    labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-05-01' },
    expected: 'delete',
  },
  { name: 'made on purpose stays', secret: 'other', expected: 'keep' },
  { name: 'mounted stays', mounted: true, expected: 'keep' },
];

for (const { name, created, labels, secret, mounted = false, expected } of cases)
  test(name, () => {
    const metadata = { name: secret ?? 'a-token', creationTimestamp: created ?? '2026-01-01T00:00:00Z', labels };
    const judged = judge({ secret: { metadata }, account, mounted: () => mounted, now, unusedMs: 30 * dayMs });
    assert.equal(judged, expected);
  });

test('silence means something after the whole time has been watched', () => {
  assert.equal(trackedLongEnough('2026-05-30', now, 30 * dayMs), true);
  assert.equal(trackedLongEnough('2026-05-31', now, 30 * dayMs), false);
  assert.equal(trackedLongEnough(undefined, now, 30 * dayMs), false);
});
