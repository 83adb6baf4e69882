import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccessReview, type AccessReviewKind, validateAccessReview } from './access-reviews.ts';

const path = { path: '/x', verb: 'get' };
const field = 'spec.resourceAttributes.fieldSelector';
const label = 'spec.resourceAttributes.labelSelector';

const cases: readonly [name: string, kind: AccessReviewKind, review: AccessReview, expected: readonly string[]][] = [
  ['of a path', 'SelfSubjectAccessReview', { spec: { nonResourceAttributes: path } }, []],
  [
    'of both, for nobody',
    'SubjectAccessReview',
    { spec: { resourceAttributes: {}, nonResourceAttributes: path } },
    [
      'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes',
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
  ],
  [
    'with a name, and a namespace that is not its own',
    'LocalSubjectAccessReview',
    { metadata: { name: 'a', namespace: 'b' }, spec: { user: 'u', resourceAttributes: { namespace: 'c' } } },
    [
      'metadata: Invalid value: {"name":"a","namespace":"b"}: must be empty except for namespace',
      'spec.resourceAttributes.namespace: Invalid value: "c": must match metadata.namespace',
    ],
  ],
  [
    'with selectors that say nothing or too much',
    'SelfSubjectAccessReview',
    {
      spec: {
        resourceAttributes: {
          fieldSelector: { requirements: [{ key: '', operator: 'In' }] },
          labelSelector: { rawSelector: 'a', requirements: [{ key: 'b', operator: 'Exists', values: ['c'] }] },
        },
      },
    },
    [
      `${field}.requirements[0].key: Required value: must be specified`,
      `${field}.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
      `${label}.rawSelector: Invalid value: "a": may not specified at the same time as requirements`,
      `${label}.requirements[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
    ],
  ],
  [
    'with an operator that nobody knows yet',
    'SelfSubjectAccessReview',
    { spec: { resourceAttributes: { labelSelector: { requirements: [{ key: 'b', operator: 'Near' }] } } } },
    [],
  ],
];

for (const [name, kind, review, expected] of cases)
  test(`a review ${name}`, () =>
    assert.deepEqual(
      validateAccessReview(kind, review).map((cause) => `${cause.field}: ${cause.message}`),
      expected,
    ));
