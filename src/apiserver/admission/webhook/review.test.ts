import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributes } from '../testing.ts';
import { admissionReview, responseOf } from './review.ts';

const asked = attributes({ on: '/configmaps', object: { metadata: { name: 'a', namespace: 'ns' } } });

test('a review is in the first version that the webhook accepts and is known', () => {
  const versionOf = (...accepted: string[]) => admissionReview(asked, accepted).version;
  assert.equal(versionOf('v2', 'v1beta1', 'v1'), 'v1beta1');
  assert.equal(versionOf('v1'), 'v1');
  assert.throws(() => versionOf('v2'), /webhook does not accept known AdmissionReview versions \(v1, v1beta1\)$/);
});

test('a response of v1 is one to this review, and whole', () => {
  const review = { version: 'v1', uid: 'u', body: {} };
  const read = (response: object | undefined, mutating = true, kind = 'AdmissionReview') =>
    responseOf({ apiVersion: 'admission.k8s.io/v1', kind, response }, review, mutating);
  assert.deepStrictEqual(read({ uid: 'u', allowed: true }), { uid: 'u', allowed: true });
  const wrong: [() => unknown, string][] = [
    [() => read(undefined), 'webhook response was absent'],
    [() => read({ uid: 'x' }), 'expected response.uid="u", got "x"'],
    [
      () => responseOf({ response: { uid: 'u' } }, review, true),
      'expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=',
    ],
    [() => read({ uid: 'u', patch: 'x' }), 'webhook returned response.patch but not response.patchType'],
    [() => read({ uid: 'u', patchType: 'JSONPatch' }), 'webhook returned response.patchType but not response.patch'],
    [() => read({ uid: 'u', patch: 'x' }, false), 'validating webhook may not return response.patch'],
  ];
  for (const [work, text] of wrong) assert.throws(work, { message: `received invalid webhook response: ${text}` });
});

test('what is no review, or not of this version, is no answer; nor are values of other types', () => {
  const review = { version: 'v1', uid: 'u', body: {} };
  const wrong: [object, string][] = [
    [
      { apiVersion: 'v1', kind: 'Pod' },
      'no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
    ],
    [
      { apiVersion: 'admission.k8s.io/v1beta1', kind: 'AdmissionReview', response: { uid: 'u' } },
      'converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion',
    ],
    [
      { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'u', allowed: 'false' } },
      'json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool',
    ],
  ];
  for (const [answer, text] of wrong)
    assert.throws(() => responseOf(answer, review, true), { message: `failed to call webhook: ${text}` });
});

test('a response of v1beta1 is taken as it comes', () => {
  const review = { version: 'v1beta1', uid: 'u', body: {} };
  assert.equal(responseOf({ response: { allowed: true, patch: 'x' } }, review, true).patchType, 'JSONPatch');
});
