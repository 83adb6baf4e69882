import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePodSecurity } from './pod-security/settings.ts';

test('defaults and exemptions of PodSecurity', () => {
  const text = `apiVersion: pod-security.admission.config.k8s.io/v1beta1
kind: PodSecurityConfiguration
defaults: {enforce: restricted, enforce-version: latest, audit: restricted, warn: baseline, warn-version: v1.30}
exemptions: {usernames: [], runtimeClasses: [gvisor], namespaces: [kube-system]}
`;
  assert.deepEqual(parsePodSecurity(text), {
    defaults: { enforce: 'restricted', audit: 'restricted', warn: 'baseline' },
    versions: { enforce: 'latest', warn: 'v1.30' },
    exempt: { usernames: [], runtimeClasses: ['gvisor'], namespaces: ['kube-system'] },
  });
  assert.throws(() => parsePodSecurity(text.replace('enforce: restricted', 'enforce: strict')), /must be one of/);
  assert.throws(() => parsePodSecurity(text.replace('exemptions', 'exceptions')), /unknown field "exceptions"/);
});
