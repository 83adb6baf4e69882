import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergedTolerations } from './tolerations.ts';

test('tolerations that another includes are left out, of equal ones the first stays', () => {
  const exists = { key: 'a', operator: 'Exists' };
  const one = { key: 'a', operator: 'Equal', value: 'x', effect: 'NoSchedule' };
  const short = { key: 'b', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 };
  const long = { ...short, tolerationSeconds: 50 };
  assert.deepStrictEqual(mergedTolerations([one, short, exists, long, { ...exists }]), [exists, long]);
  assert.deepStrictEqual(mergedTolerations([one, short]), [one, short]);
  assert.deepStrictEqual(mergedTolerations([one, { operator: 'Exists' }]), [{ operator: 'Exists' }]);
});
