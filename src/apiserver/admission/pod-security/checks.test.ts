import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodSpec } from '../../../api/gen/core-v1.ts';
import { violations } from './checks.ts';

const plain = { containers: [{ name: 'a', image: 'x' }] } as PodSpec;

test("a plain pod keeps to baseline and not to restricted, with upstream's text", () => {
  assert.equal(violations('baseline', plain), undefined);
  assert.equal(
    violations('restricted', plain),
    'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
});

test('what reaches for the host is told in one line', () => {
  const spec = {
    hostNetwork: true,
    volumes: [{ name: 'v', hostPath: { path: '/' } }],
    containers: [
      { name: 'a', image: 'x', ports: [{ containerPort: 80, hostPort: 80 }], securityContext: { privileged: true } },
    ],
  } as PodSpec;
  assert.equal(
    violations('baseline', spec),
    'host namespaces (hostNetwork=true), hostPath volumes (volume "v"), hostPort (container "a" uses hostPort 80), privileged (container "a" must not set securityContext.privileged=true)',
  );
  assert.equal(violations('privileged', spec), undefined);
});

test('a careful pod keeps to restricted', () => {
  const spec = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      { name: 'a', image: 'x', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    ],
  } as PodSpec;
  assert.equal(violations('restricted', spec), undefined);
});
