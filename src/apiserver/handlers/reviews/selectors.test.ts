import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reviewedFields, reviewedLabels } from './selectors.ts';

test('requirements become text; what cannot be read is left out', () => {
  assert.deepEqual(reviewedFields(undefined), { text: undefined, ignored: undefined });
  assert.deepEqual(reviewedFields({ rawSelector: 'a=b' }), { text: 'a=b' });
  assert.deepEqual(reviewedFields({ rawSelector: 'a=b=c' }), { text: undefined, ignored: 'ignored' });
  assert.deepEqual(
    reviewedFields({
      requirements: [
        { key: 'a', operator: 'In', values: ['b,c'] },
        { key: 'd', operator: 'NotIn', values: ['e'] },
        { key: 'f', operator: 'Exists' },
      ],
    }),
    { text: 'a=b\\,c,d!=e', ignored: 'partially ignored' },
  );
  assert.deepEqual(
    reviewedLabels({
      requirements: [
        { key: 'a', operator: 'In', values: ['c', 'b'] },
        { key: 'd', operator: 'DoesNotExist' },
        { key: 'e', operator: 'Near', values: ['f'] },
      ],
    }),
    { text: 'a in (b,c),!d', ignored: 'partially ignored' },
  );
});
