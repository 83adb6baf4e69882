import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodSpec } from '../../../api/gen/core-v1.ts';
import { inDetail, violations } from './checks.ts';
import type { Level } from './policy.ts';

const plain = { containers: [{ name: 'a', image: 'x' }] } as PodSpec;
const latest = Number.POSITIVE_INFINITY;
const at = (level: Level, minor = latest) => ({ level, minor });
const told = (level: Level, spec: PodSpec, minor = latest, annotations = {}): string =>
  inDetail(violations(at(level, minor), spec, annotations));

test("a plain pod keeps to baseline and not to restricted, with upstream's text", () => {
  assert.equal(told('baseline', plain), '');
  assert.equal(
    told('restricted', plain),
    'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
});

test('what reaches for the host is told in one line', () => {
  const spec = {
    hostNetwork: true,
    volumes: [{ name: 'v', hostPath: { path: '/' } }],
    containers: [
      {
        name: 'a',
        image: 'x',
        ports: [{ containerPort: 80, hostPort: 80 }],
        securityContext: { privileged: true },
        livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } },
      },
    ],
  } as PodSpec;
  assert.equal(
    told('baseline', spec),
    'host namespaces (hostNetwork=true), hostPath volumes (volume "v"), hostPort (container "a" uses hostPort 80), probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1"), privileged (container "a" must not set securityContext.privileged=true)',
  );
  assert.doesNotMatch(told('baseline', spec, 33), /probe/);
  assert.equal(told('privileged', spec), '');
});

test('a careful pod keeps to restricted', () => {
  const spec = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    volumes: [{ name: 'v', image: { reference: 'x' } }],
    containers: [
      { name: 'a', image: 'x', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    ],
  } as PodSpec;
  assert.equal(told('restricted', spec), '');
});

test('an older version of the standards knows neither its later checks nor its later permissions', () => {
  assert.equal(
    told('restricted', plain, 0),
    'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
  );
  const tuned = { ...plain, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } } as PodSpec;
  assert.equal(told('baseline', tuned, 31), 'forbidden sysctls (net.ipv4.tcp_rmem)');
  assert.equal(told('baseline', tuned, 32), '');
  const annotations = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' };
  assert.equal(
    told('baseline', plain, 18, annotations),
    'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  );
  assert.equal(told('baseline', plain, 19, annotations), '');
});

test('a pod in a user namespace may be root there, and at baseline see all of proc', () => {
  const spec = {
    hostUsers: false,
    securityContext: { runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'a',
        securityContext: {
          procMount: 'Unmasked',
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  } as unknown as PodSpec;
  assert.equal(told('baseline', spec), '');
  const mount = 'procMount (container "a" must not set securityContext.procMount to "Unmasked")';
  assert.equal(told('baseline', spec, 34), mount);
  assert.equal(told('restricted', spec), mount);
});

test('several that do the same are told together, their values once and sorted', () => {
  const options = (type: string, user?: string) => ({ securityContext: { seLinuxOptions: { type, user } } });
  const spec = {
    containers: [
      { name: 'a', ...options('spc_t') },
      { name: 'b', ...options('init_t', 'x') },
    ],
  } as unknown as PodSpec;
  assert.equal(
    told('baseline', spec),
    'seLinuxOptions (containers "a", "b" set forbidden securityContext.seLinuxOptions: types "init_t", "spc_t"; user may not be set)',
  );
});
