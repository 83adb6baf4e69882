import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cycle } from '../plugin.ts';
import { dynamicResources } from './dynamic-resources.ts';

const asked = (spec: object) => dynamicResources.preFilter?.({ pod: { pod: { spec } } } as unknown as Cycle);

test('a pod that claims devices is not placed without them', () => {
  assert.deepEqual(asked({ resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }), {
    reasons: ['devices of resource claims are not allocated by this scheduler'],
    unresolvable: true,
  });
  assert.equal(asked({}), undefined);
});
