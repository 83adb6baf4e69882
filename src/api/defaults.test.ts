import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeValue } from './decode.ts';
import { hasLatestTag } from './defaults/core.ts';
import { applyDefaults } from './defaults.ts';
import { parseKind } from './schema.ts';

function defaulted(apiVersion: string, kind: string, value: object): unknown {
  const gvk = parseKind(apiVersion, kind);
  const { object } = decodeValue(gvk, structuredClone(value));
  applyDefaults(gvk, object);
  const once = structuredClone(object);
  applyDefaults(gvk, object);
  assert.deepStrictEqual(object, once, 'a second run changes nothing');
  return object;
}

test('a small deployment becomes what upstream makes of it', () => {
  const labels = { app: 'a' };
  const given = {
    metadata: { name: 'a' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            { name: 'c', image: 'nginx', ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } } },
          ],
        },
      },
    },
  };
  assert.deepStrictEqual(defaulted('apps/v1', 'Deployment', given), {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { name: 'a' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'c',
              image: 'nginx',
              ports: [{ containerPort: 80, protocol: 'TCP' }],
              livenessProbe: {
                httpGet: { path: '/', port: 80, scheme: 'HTTP' },
                timeoutSeconds: 1,
                periodSeconds: 10,
                successThreshold: 1,
                failureThreshold: 3,
              },
              resources: {},
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
              imagePullPolicy: 'Always',
            },
          ],
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          securityContext: {},
          schedulerName: 'default-scheduler',
        },
      },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {},
  });
});

test('limits become requests, and amounts are rounded up to thousandths', () => {
  const pod = defaulted('v1', 'Pod', {
    spec: {
      containers: [{ name: 'c', resources: { limits: { cpu: '1500u', memory: '1Gi' }, requests: { memory: '1Mi' } } }],
    },
  }) as { spec: { containers: { resources: unknown }[] } };
  assert.deepStrictEqual(pod.spec.containers[0]?.resources, {
    limits: { cpu: '2m', memory: '1Gi' },
    requests: { cpu: '2m', memory: '1Mi' },
  });
});

for (const [image, latest] of [
  ['nginx', true],
  ['nginx:latest', true],
  ['nginx:1.2', false],
  ['localhost:5000/a/b', true],
  ['a@sha256:0123', false],
] as const) {
  test(`${image} ${latest ? 'means' : 'does not mean'} the latest`, () => assert.equal(hasLatestTag(image), latest));
}
